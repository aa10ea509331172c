package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/internal/hashcost"
	"github.com/go-passport/passport/oauth"
)

// The limits of a password. Its length is what counts: rules about characters make
// people write it down (NIST SP 800-63B §3.1.1.2).
const (
	MinPasswordLength = 8    // characters
	MaxPasswordBytes  = 1024 // bounds the work of a hash
)

// current returns the parameters of a new hash: 19 MiB of memory and two passes.
func current() argon2Params {
	c := hashcost.Current()
	return argon2Params{memory: c.Memory, time: c.Time, threads: c.Threads}
}

// More expensive hashes are refused. Ours never cost that much, and a faulty import or
// an attacker who can write to the table could use them to stop the server.
const (
	maxMemory     = 256 << 10 // KiB
	maxTime       = 16
	maxThreads    = 16
	maxBcryptCost = 15
)

// patience is how long a sign-in waits for a slot before it fails with 503.
const patience = 15 * time.Second

// hasher computes password hashes and limits how many run at the same time. Each takes
// 19 MiB and a whole core, so unlimited sign-ins could use up the memory of the
// application.
type hasher struct {
	slots chan struct{}

	// The algorithms. Tests replace them to count the work.
	idKey   func(password, salt []byte, time, memory uint32, threads uint8, length uint32) []byte
	iKey    func(password, salt []byte, time, memory uint32, threads uint8, length uint32) []byte
	compare func(hash, password []byte) error
}

func newHasher(concurrency int) *hasher {
	if concurrency < 1 {
		concurrency = runtime.GOMAXPROCS(0)
	}
	return &hasher{slots: make(chan struct{}, concurrency), idKey: argon2.IDKey, iKey: argon2.Key, compare: bcrypt.CompareHashAndPassword}
}

// enter waits for a slot and returns a function that releases it.
func (h *hasher) enter(ctx context.Context) (release func(), err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: wait to hash a password: %w", oauth.ErrUnavailable, ctx.Err())
	case <-timer.C:
		return nil, fmt.Errorf("%w: too many concurrent sign-ins; raise HashConcurrency or add a node", oauth.ErrUnavailable)
	}
}

// hash returns the hash of a new password in NFC, in the PHC string format. The caller
// holds a slot.
func (h *hasher) hash(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never returns an error; it crashes the program instead
	return current().encode(salt, h.argon2(current(), composed(password), salt, 32))
}

// verify reports whether a password matches a stored hash, and whether that hash should
// be replaced because its cost or form is outdated. An empty hash means "no account"
// and matches nothing.
//
// For every hash and every password, verify does the work w once for each form of the
// typed text. A right password takes no less work than a wrong one, because its account
// may be disabled, which must not show in the timing. The caller holds a slot.
func (h *hasher) verify(stored, typed string, w work) (ok, outdated bool, err error) {
	for i, form := range passwordForms(typed) {
		matches, old, formErr := h.verifyForm(stored, form, w)
		if !ok { // once a form has matched, the loop only completes the work
			ok, outdated, err = matches, old || matches && i > 0, formErr
		}
	}
	return ok, outdated, err
}

func (h *hasher) verifyForm(stored, password string, w work) (ok, outdated bool, err error) {
	if len(password) > MaxPasswordBytes {
		password, stored = password[:MaxPasswordBytes], ""
	}
	var done work
	defer func() { h.spendRest(password, w, done) }()
	if stored == "" {
		return false, false, nil
	}
	p, err := parseHash(stored)
	if err != nil {
		return false, false, err
	}
	if p.bcrypt != "" {
		ok, done.bcrypt = h.bcrypt(p.bcrypt, password)
		return ok, true, nil
	}
	done.argon2 = p.argon2Params
	if p.independent {
		key := h.iKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
		return subtle.ConstantTimeCompare(key, p.key) == 1, true, nil
	}
	key := h.argon2(p.argon2Params, password, p.salt, len(p.key))
	return subtle.ConstantTimeCompare(key, p.key) == 1, p.argon2Params != current(), nil
}

func (h *hasher) argon2(p argon2Params, password string, salt []byte, length int) []byte {
	return h.idKey([]byte(password), salt, p.time, p.memory, p.threads, uint32(length))
}

// bcrypt also returns the cost of the computed hash, or 0 if the salt is not valid.
func (h *hasher) bcrypt(hash, password string) (ok bool, cost int) {
	// bcrypt ignores everything after 72 bytes.
	err := h.compare([]byte(hash), []byte(password[:min(len(password), 72)]))
	if err == nil || errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		cost, _ = bcrypt.Cost([]byte(hash))
	}
	return err == nil, cost
}

type argon2Params struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

var b64 = base64.RawStdEncoding.Strict()

func (p argon2Params) encode(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parsedHash is a stored hash: bcrypt as a string, or the parts of argon2id or argon2i.
type parsedHash struct {
	bcrypt string
	argon2Params
	independent bool // argon2i, which PHP calls argon: its memory access does not depend on the password
	salt, key   []byte
}

// errHash never quotes the hash, because it is logged.
var errHash = errors.New("the stored password hash is not argon2id or argon2i (a PHC string) or bcrypt ($2a$, $2b$, $2y$), or its cost is too high")

// parseHash reads a stored hash.
func parseHash(s string) (parsedHash, error) {
	if len(s) > 255 || strings.ContainsAny(s, "\r\n") { // the decoder skips line ends, even in strict mode
		return parsedHash{}, errHash
	}
	p, ok := parsedHash{bcrypt: s}, isBcrypt(s)
	if !ok {
		p, ok = parseArgon2(s)
	}
	if !ok {
		return parsedHash{}, errHash
	}
	return p, nil
}

func isBcrypt(s string) bool {
	if len(s) != 60 || !strings.HasPrefix(s, "$2") || !strings.Contains("aby", s[2:3]) {
		return false
	}
	cost, err := bcrypt.Cost([]byte(s))
	return err == nil && cost <= maxBcryptCost
}

// parseArgon2 reads "$argon2id$v=19$m=19456,t=2,p=1$salt$key". Argon2i may cost no more
// than [argon2iWork].
func parseArgon2(s string) (p parsedHash, ok bool) {
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" && fields[1] != argon2i || fields[2] != "v="+strconv.Itoa(argon2.Version) {
		return p, false
	}
	p.argon2Params, ok = parseParams(fields[3])
	p.independent = fields[1] == argon2i
	if !ok || p.independent && p.units() > argon2iWork.units() {
		return p, false
	}
	var saltErr, keyErr error
	p.salt, saltErr = b64.DecodeString(fields[4])
	p.key, keyErr = b64.DecodeString(fields[5])
	return p, errors.Join(saltErr, keyErr) == nil && between(8, len(p.salt), 64) && between(16, len(p.key), 64)
}

func between(least, n, most int) bool { return least <= n && n <= most }

func parseParams(s string) (p argon2Params, ok bool) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return p, false
	}
	memory, memoryOK := parseParam(fields[0], "m=", maxMemory)
	passes, passesOK := parseParam(fields[1], "t=", maxTime)
	threads, threadsOK := parseParam(fields[2], "p=", maxThreads)
	p = argon2Params{memory: memory, time: passes, threads: uint8(threads)}
	return p, memoryOK && passesOK && threadsOK && memory >= 8*threads
}

// parseParam parses a decimal number without a sign or leading zero (PHC string format,
// "parameters").
func parseParam(s, name string, most uint64) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= 1 && n <= most && digits[0] != '0' && digits[0] != '+'
}

// checkNewPassword returns an error if a new password is not acceptable.
func checkNewPassword(password string) error {
	if !utf8.ValidString(password) {
		return errors.New("the password is not UTF-8 text")
	}
	password = composed(password)
	switch {
	case utf8.RuneCountInString(password) < MinPasswordLength:
		return fmt.Errorf("the password is too short: use at least %d characters", MinPasswordLength)
	case len(password) > MaxPasswordBytes:
		return fmt.Errorf("the password is too long: use at most %d bytes", MaxPasswordBytes)
	}
	return nil
}

// fingerprint identifies an address in the log without quoting it, because people
// sometimes type their password into the address field.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}
