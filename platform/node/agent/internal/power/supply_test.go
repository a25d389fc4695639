package power

import (
	"context"
	"errors"
	"testing"
)

func TestAUseEndsWhenThePowerGoesAndLearnsSo(t *testing.T) {
	s := NewSupply(context.Background())
	using, done, err := s.Use(context.Background())
	if err != nil || s.InUse() != 1 || !s.Plugged() {
		t.Fatalf("%v, %d in use", err, s.InUse())
	}
	period := s.Period()
	s.Cut()
	s.Cut()
	<-using.Done()
	if !errors.Is(context.Cause(using), ErrNone) || !errors.Is(context.Cause(period), ErrNone) {
		t.Errorf("%v, %v", context.Cause(using), context.Cause(period))
	}
	if lasted := done(); lasted || s.InUse() != 0 || s.Plugged() {
		t.Errorf("lasted %v, %d in use", lasted, s.InUse())
	}
}

func TestWithoutPowerNothingCanBeUsedUntilItIsBack(t *testing.T) {
	s := NewSupply(context.Background())
	s.Cut()
	if _, _, err := s.Use(context.Background()); !errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
	s.Restore(context.Background())
	using, done, err := s.Use(context.Background())
	if err != nil || using.Err() != nil || !done() {
		t.Errorf("%v, %v", err, using.Err())
	}
}

func TestAUseThatOutlivesItsPowerIsNotTakenForOneOfTheNext(t *testing.T) {
	s := NewSupply(context.Background())
	_, done, _ := s.Use(context.Background())
	s.Cut()
	s.Restore(context.Background())
	if done() {
		t.Error("it believes that the power has lasted")
	}
}

func TestTheEndOfTheNodeIsNoLossOfPower(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := NewSupply(ctx)
	using, done, err := s.Use(context.Background())
	cancel()
	<-using.Done()
	if err != nil || !done() || !s.Plugged() {
		t.Errorf("%v, plugged %v", err, s.Plugged())
	}
}
