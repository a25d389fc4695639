// Package power takes a node's power away and gives it back, as if its plug were pulled: links die without a word,
// processes end without being asked, what lived in memory is forgotten and what is on disk stays. The agent itself
// goes on, since it is how the platform gives the power back; it must do nothing on the node's behalf meanwhile.
package power

import (
	"context"
	"errors"
	"sync"
)

// ErrNone is why nothing can be done in a node: it has no power.
var ErrNone = errors.New("no power")

// Supply tells who may use the node, and since when not any more. The zero Supply is not usable; see NewSupply.
type Supply struct {
	mu     sync.Mutex
	period context.Context // ends when the power goes
	cut    context.CancelCauseFunc
	inUse  int
}

// NewSupply makes a supply that is on until ctx ends or Cut is called.
func NewSupply(ctx context.Context) *Supply {
	s := &Supply{}
	s.Restore(ctx)
	return s
}

// Plugged tells whether there is power.
func (s *Supply) Plugged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on()
}

func (s *Supply) on() bool { return !errors.Is(context.Cause(s.period), ErrNone) }

// Period is the context of all that needs the power that there is now; its cause is ErrNone once that is gone.
func (s *Supply) Period() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.period
}

// Use begins a use of the node: a context that also ends when the power goes, or ErrNone when there is none. done
// must be called at its end; it tells whether the power has lasted.
func (s *Supply) Use(ctx context.Context) (using context.Context, done func() bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.on() {
		return nil, nil, ErrNone
	}
	s.inUse++
	period := s.period
	using, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(period, func() { cancel(context.Cause(period)) })
	return using, func() bool {
		stop()
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inUse--
		return !errors.Is(context.Cause(period), ErrNone)
	}, nil
}

// InUse is how many uses have not ended.
func (s *Supply) InUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inUse
}

// Cut takes the power away from all that uses it.
func (s *Supply) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut(ErrNone)
}

// Restore gives power again, until ctx ends or it is cut.
func (s *Supply) Restore(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.period, s.cut = context.WithCancelCause(ctx)
}
