package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Staff are the employees of the shop and the slips that the manager prints.
type Staff struct {
	key []byte // a PIN is too short to be hashed without a secret

	mu        sync.Mutex
	employees map[string]*employee
	slips     map[string]Slip
}

type employee struct {
	name string
	pin  []byte // an HMAC
	left bool
}

// Slip lets one employee open a till once.
type Slip struct {
	Number   string
	Employee string
	Expires  time.Time
}

// NewStaff returns a shop without employees.
func NewStaff() *Staff {
	return &Staff{key: []byte(rand.Text()), employees: map[string]*employee{}, slips: map[string]Slip{}}
}

// Hire adds an employee.
func (s *Staff) Hire(number, name, pin string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.employees[number] = &employee{name: name, pin: s.hash(number, pin)}
}

// Leave ends an employee's account.
func (s *Staff) Leave(number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.employees[number].left = true
}

// Print returns a new slip for an employee.
func (s *Staff) Print(number string, life time.Duration) Slip {
	s.mu.Lock()
	defer s.mu.Unlock()
	slip := Slip{Number: rand.Text(), Employee: number, Expires: time.Now().Add(life)}
	s.slips[slip.Number] = slip
	return slip
}

// Slip returns the slip with a number, including used ones.
func (s *Staff) Slip(number string) (Slip, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slip, ok := s.slips[number]
	return slip, ok
}

// Knows reports whether the PIN belongs to the employee.
func (s *Staff) Knows(number, pin string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.employees[number]
	if !ok {
		e = new(employee) // takes as long; no PIN has an empty hash
	}
	return hmac.Equal(s.hash(number, pin), e.pin)
}

func (s *Staff) hash(number, pin string) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(number + "\x00" + pin))
	return h.Sum(nil)
}

// User returns the account of an employee, until the employee leaves.
func (s *Staff) User(_ context.Context, number string) (*passport.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.employees[number]
	if !ok || e.left {
		return nil, oauth.ErrNotFound
	}
	return &passport.User{ID: number, Name: e.name}, nil
}
