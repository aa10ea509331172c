package nearpath

import (
	"sync"
	"time"
)

// maxNotices is the number of lines for one meant path within [noticeWindow], each for
// another path that was asked for.
const (
	maxNotices   = 10
	noticeWindow = time.Hour
)

// notices limits the lines by the path that was meant. The paths that clients ask for
// don't count together: an attacker who invents many of them could silence the line
// that names another endpoint, and could do so for good without the window.
type notices struct {
	mu     sync.Mutex
	recent map[string]*window // by the meant path; a server has few
}

// window has the paths that were asked for.
type window struct {
	ends  time.Time
	asked map[string]bool
}

// first reports whether a line is due: at most [maxNotices] times within a window, and
// once for each path that was asked for.
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
