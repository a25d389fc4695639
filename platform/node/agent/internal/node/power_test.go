package node

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway.dev/node/internal/frames"
	"slipway.dev/node/internal/supervise"
)

// plug is a machine that writes down what is done to it, and kills no more than the services.
type plug struct {
	done []string
	kill func()
}

func (p *plug) did(what string) error { p.done = append(p.done, what); return nil }

func (p *plug) RememberRules(context.Context) error { return nil }
func (p *plug) CutLinks() error                     { return p.did("links") }
func (p *plug) Forget(context.Context) error        { return p.did("memory") }
func (p *plug) Restore() error                      { return p.did("restored") }
func (p *plug) Kill(settled func() bool) {
	_ = p.did("killed")
	for deadline := time.Now().Add(patience); !settled() && time.Now().Before(deadline); {
		p.kill()
		time.Sleep(time.Millisecond)
	}
}

// newMachine is a platform whose node has a plug, and services that are programs of no consequence.
func newMachine(t *testing.T) (*platform, *plug) {
	t.Helper()
	p, fake := newPlatform(t), &plug{}
	n := p.node
	n.machine, n.hostname = fake, "node2"
	close(n.registryDone)
	close(n.namesDone)
	service := func(name string) *supervise.Service {
		spec := supervise.Spec{
			Name: name, LogPath: t.TempDir() + "/log",
			Command: func() *exec.Cmd { return exec.Command("sleep", "1000") },
			Probe:   func(context.Context) error { return nil },
		}
		launch := func(cmd *exec.Cmd) (supervise.Process, error) { return n.reaper.Start(cmd) }
		return supervise.New(spec, n.began, launch, func(string, supervise.State) {})
	}
	n.containerd, n.dockerd = service("containerd"), service("dockerd")
	fake.kill = func() { n.containerd.Kill(); n.dockerd.Kill() }
	n.powered = []func(context.Context){n.containerd.Run, n.dockerd.Run}
	n.runPowered()
	t.Cleanup(func() {
		n.stop()
		stopped := make(chan struct{})
		go func() { n.running.Wait(); close(stopped) }()
		for {
			fake.kill() // one may be about to start
			select {
			case <-stopped:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	p.waits("dockerd")
	return p, fake
}

func (p *platform) waits(service string) {
	p.t.Helper()
	if got := p.asks("wait", fmt.Sprintf(`{"service":%q,"timeout_ms":5000}`, service)); !strings.Contains(got, `"ok":true`) {
		p.t.Fatal(got)
	}
}

func (p *platform) asks(op, params string) string {
	p.t.Helper()
	return p.says(fmt.Sprintf(`{"id":1,"op":%q,"params":%s}`, op, params)).next(nil)
}

func (p *platform) powers(plugged bool) {
	p.t.Helper()
	want := fmt.Sprintf(`{"id":1,"ok":true,"result":{"plugged":%t}}`, plugged)
	if got := p.asks("power", fmt.Sprintf(`{"plugged":%t}`, plugged)); got != want {
		p.t.Errorf("%s, want %s", got, want)
	}
}

func TestThePlugIsPulledInTheOrderInWhichAMachineDiesAndOnceOnly(t *testing.T) {
	p, fake := newMachine(t)
	p.powers(true)
	p.powers(false)
	p.powers(false)
	if want := []string{"links", "killed", "memory"}; !slices.Equal(fake.done, want) {
		t.Errorf("%v, want %v", fake.done, want)
	}
	p.powers(true)
	p.powers(true)
	if want := []string{"links", "killed", "memory", "restored"}; !slices.Equal(fake.done, want) {
		t.Errorf("%v, want %v", fake.done, want)
	}
}

func TestWithoutPowerANodeSaysSoAndDoesNothingElse(t *testing.T) {
	p, _ := newMachine(t)
	p.powers(false)
	refused := `{"id":1,"ok":false,"error":{"code":"unavailable","message":"node2 has no power."}}`
	for op, params := range map[string]string{
		"docker": `{"path":"/info"}`, "run": `{"argv":["true"]}`, "http": `{"url":"http://127.0.0.1/"}`, "ping": `{"address":"127.0.0.1"}`,
		"tcp": `{"address":"127.0.0.1:1"}`, "read-file": `{"path":"/etc/hostname"}`, "write-files": `{"files":[]}`, "links": `{}`,
		"wait": `{"service":"dockerd"}`, "shell": `{}`, "dial": `{"address":"127.0.0.1:1"}`,
	} {
		if got := p.asks(op, params); got != refused {
			t.Errorf("%s: %s", op, got)
		}
	}
	status := p.asks("status", `{}`)
	if !strings.Contains(status, `"plugged":false`) || strings.Count(status, `"state":"down"`) != 2 {
		t.Error(status)
	}
	if got := p.asks("lease", `{"seconds":600}`); !strings.Contains(got, `"ok":true`) {
		t.Error(got)
	}
	p.powers(true)
	p.waits("containerd")
	p.waits("dockerd")
	if got := p.asks("run", `{"argv":["echo","hello"],"dir":"/"}`); !strings.Contains(got, "hello") {
		t.Error(got)
	}
}

func TestWhatIsUnderWayWhenThePowerGoesEndsSayingSo(t *testing.T) {
	p, _ := newMachine(t)
	running := p.says(`{"id":1,"op":"run","params":{"argv":["sleep","60"],"dir":"/","timeout_ms":60000}}`)
	for p.node.supply.InUse() == 0 {
		time.Sleep(time.Millisecond)
	}
	p.powers(false)
	if got := running.next(nil); !strings.Contains(got, "node2 has no power.") {
		t.Error(got)
	}
}

func TestViewersOfAShellSeeThatThePowerWentAndFindANewOneLater(t *testing.T) {
	p, _ := newMachine(t)
	viewer := p.says(`{"id":1,"op":"shell","params":{"shell":"main"}}`)
	viewer.next(nil)
	_, _ = viewer.Write(frames.Append(nil, frames.Input, []byte("echo wel''come\r")))
	viewer.sees("welcome")
	p.powers(false)
	if opcode, payload := viewer.last(); opcode != frames.Exit || string(payload) != `{"code":-1,"signal":"POWER"}` {
		t.Errorf("the last frame: %d %s", opcode, payload)
	}
	if got := p.asks("transcript", `{"shell":"main"}`); !strings.Contains(got, `"ok":true`) {
		t.Error(got)
	}
	p.powers(true)
	if got := p.asks("shell", `{"shell":"main"}`); !strings.Contains(got, `"created":true`) {
		t.Error(got)
	}
}

func TestFollowersHearOfThePower(t *testing.T) {
	p, _ := newMachine(t)
	events := p.says(`{"id":1,"op":"events"}`)
	events.next(nil)
	events.next(nil)
	p.powers(false)
	if got := events.next(nil); got != `{"kind":"power","plugged":false}` {
		t.Error(got)
	}
	p.powers(true)
	if got := events.next(nil); got != `{"kind":"power","plugged":true}` {
		t.Error(got)
	}
	var first hello
	again := p.says(`{"id":1,"op":"events"}`)
	again.next(nil)
	if again.next(&first); !first.Plugged {
		t.Errorf("%+v", first)
	}
}

func TestPowerMustBeToldWhich(t *testing.T) {
	p, fake := newMachine(t)
	for _, params := range []string{`{}`, `{"plugged":null}`, `{"plugged":"no"}`, `{"plugged":false,"when":1}`} {
		if got := p.asks("power", params); !strings.Contains(got, "bad-request") {
			t.Errorf("%s: %s", params, got)
		}
	}
	if len(fake.done) > 0 {
		t.Errorf("%v", fake.done)
	}
}
