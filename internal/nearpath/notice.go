package nearpath

import (
	"sync"
	"time"
)

// maxNotices is the maximum number of lines for one meant path within
// [noticeWindow]. Each is for another requested path.
const (
	maxNotices   = 10
	noticeWindow = time.Hour
)

// notices limits the lines for each meant path separately. With a common limit, an
// attacker who requests many paths could suppress the lines for other endpoints.
// Without the window, they could do so permanently.
type notices struct {
	mu     sync.Mutex
	recent map[string]*window // by meant path; a server has few
}

// window has the requested paths.
type window struct {
	ends  time.Time
	asked map[string]bool
}

// first reports whether to write a line: at most [maxNotices] times within a window,
// and once for each requested path.
func (n *notices) first(meant, asked string) bool {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.recent[meant]
	if w == nil || !now.Before(w.ends) {
		if n.recent == nil {
			n.recent = map[string]*window{}
		}
		w = &window{ends: now.Add(noticeWindow), asked: map[string]bool{}}
		n.recent[meant] = w
	}
	if w.asked[asked] || len(w.asked) >= maxNotices {
		return false
	}
	w.asked[asked] = true
	return true
}
