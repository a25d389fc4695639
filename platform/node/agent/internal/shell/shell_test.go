package shell

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"slipway.dev/node/internal/frames"
)

var window = frames.Size{Cols: 100, Rows: 30}

func TestAShellIsALoginBashOnATerminalOfItsOwn(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.types(`echo "<$(shopt login_shell | cut -f2) $TERM $COLORTERM $LANG $HOME $(stty size) $(tty | cut -c1-9) secret=$SLIPWAY_SECRET>"` + "\r")
	p.sees("<on xterm-256color truecolor C.UTF-8 " + m.home + " 30 100 /dev/pts/ secret=>")
	p.types("cat /proc/self/oom_score_adj | sed s/^/adj=/\r")
	p.sees("adj=500")
	p.types("echo sleep''ing; sleep 60\r")
	p.sees("sleeping\r\n")
	p.types("\x03")
	p.sees("^C")
	p.types("echo after=$?\r")
	p.sees("after=130")
}

func TestThePromptIsColouredAndNamesUserAndNode(t *testing.T) {
	p := newRoom(t).sit(t, "1", window)
	host, _ := os.Hostname()
	p.sees("\x1b[1;36mroot@" + host + "\x1b[0m:\x1b[1;34m~\x1b[0m# ")
}

func TestAnEndedShellTellsHowAndAttachingAgainStartsANewOne(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.types("echo last words; exit 3\r")
	eventually(t, func() bool { return p.ending() != nil }, p.screen)
	if got := *p.ending(); got != (Exit{Code: 3}) {
		t.Errorf("exit %+v", got)
	}
	p.sees("last words")
	if list := m.List(); !list[0].Exited {
		t.Errorf("listed as %+v", list)
	}
	eventually(t, func() bool { return m.count("1 exited") == 1 }, func() string { return "no event" })
	again := m.sit(t, "1", window)
	if !again.at.Created || again.at.ScrollbackBytes != 0 {
		t.Errorf("attachment %+v", again.at)
	}
	again.types("kill -KILL $$\r")
	eventually(t, func() bool { return again.ending() != nil }, again.screen)
	if got := *again.ending(); got != (Exit{Code: -1, Signal: "KILL"}) {
		t.Errorf("exit %+v", got)
	}
}

func TestAShellLivesOnWithoutViewersAndShowsWhatWasMissed(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.types("sleep 0.2; seq 1 200000 | tail -n 200000; echo all-of-it\r")
	p.sees("sleep 0.2")
	p.at.Viewer.Close()
	eventually(t, func() bool {
		content, _, err := m.Transcript("1", ringSize)
		return err == nil && bytes.Contains(content, []byte("all-of-it\r\n"))
	}, func() string { return "a program nobody watches was held up" })
	back := m.sit(t, "1", window)
	if back.at.Created || back.at.ScrollbackBytes == 0 || back.at.ScrollbackBytes > 64<<10 {
		t.Errorf("attachment %+v", back.at)
	}
	back.sees("199999\r\n200000\r\nall-of-it\r\n")
}

func TestThePTYHasTheSizeOfWhoTypedOrResizedLast(t *testing.T) {
	m := newRoom(t)
	wide, narrow := m.sit(t, "1", frames.Size{Cols: 200, Rows: 50}), m.sit(t, "1", frames.Size{Cols: 60, Rows: 20})
	narrow.types("echo [$(stty size)]\r")
	narrow.sees("[20 60]")
	wide.types("echo [$(stty size)]\r")
	wide.sees("[50 200]")
	narrow.resizes(61, 21)
	narrow.resizes(0, 21)
	narrow.resizes(1001, 21)
	narrow.types("echo [$(stty size)]\r")
	narrow.sees("[21 61]")
}

func TestTheEndOfACommandIsToldOncePerCommand(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.sees("# ")
	p.types("sleep 0.7; echo slept\r")
	time.Sleep(400 * time.Millisecond)
	if got := m.count("1 finished"); got > 1 {
		t.Errorf("%d ends told while the command runs", got)
	}
	p.sees("slept\r\n")
	eventually(t, func() bool { return m.count("1 finished") >= 1 }, func() string { return "no end told" })
	before := m.count("1 finished")
	p.types("cd /\r")
	eventually(t, func() bool { return m.count("1 finished") > before }, func() string { return "no end of a builtin told" })
	before = m.count("1 finished")
	p.types("typed but not sent")
	p.sees("typed but not sent")
	if got := m.count("1 finished"); got != before {
		t.Errorf("an end was told although nothing was sent")
	}
}

func TestCommandsAreRecordedWithTheirTimeAlsoFromANestedShell(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.types("echo one\r")
	p.sees("one\r\n")
	p.types("bash\r")
	p.types("echo 'two\r")
	p.types("lines'\r")
	p.sees("lines\r\n")
	p.types("exit\r")
	p.types("echo thr''ee\r")
	p.sees("three\r\n")
	var got []Command
	eventually(t, func() bool {
		got = m.History(100)
		return len(got) >= 4 && got[len(got)-1].Command == "echo thr''ee"
	}, func() string { return p.screen() })
	var all []string
	for _, c := range got {
		if c.Shell != "1" || time.Since(time.Unix(c.At, 0)).Abs() > time.Minute {
			t.Errorf("recorded %+v", c)
		}
		all = append(all, c.Command)
	}
	want := []string{"echo one", "bash", "echo 'two\nlines'", "exit"}
	for _, each := range want {
		if !strings.Contains(strings.Join(all, "|"), each) {
			t.Errorf("%q is not among %q", each, all)
		}
	}
	if last := m.History(1); len(last) != 1 || last[0].Command != "echo thr''ee" {
		t.Errorf("the last one is %+v", last)
	}
}

func TestAClosedShellIsGoneWithWhatRunsInIt(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.types("trap '' HUP; echo trap''ped; sleep 1000\r")
	p.sees("trapped")
	pid := m.List()[0].Pid
	if err := m.Close("1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return p.ending() != nil }, p.screen)
	eventually(t, func() bool { _, err := os.Stat(procPath(pid, "")); return err != nil }, func() string { return "bash is still there" })
	if len(m.List()) != 0 || m.Close("1") == nil {
		t.Error("it is still listed")
	}
}

func TestThereAreAtMostEightShells(t *testing.T) {
	m := newRoom(t)
	for _, name := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		if _, err := m.Attach(name, window, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Attach("9", window, 0); err == nil || !strings.Contains(err.Error(), "8 shells") {
		t.Errorf("the ninth: %v", err)
	}
	p := m.sit(t, "3", window)
	p.types("exit\r")
	eventually(t, func() bool { return p.ending() != nil }, p.screen)
	if _, err := m.Attach("9", window, 0); err != nil {
		t.Errorf("the place of an ended shell is not free: %v", err)
	}
}

func TestAPasteLargerThanWhatIsHeldDoesNotLockTheShell(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.types("stty -echo; echo re''ady; head -c 3000000 | wc -c; stty echo\r")
	p.sees("ready\r\n")
	for range 3000 {
		p.types(strings.Repeat("x", 999) + "\n")
	}
	p.sees("3000000\r\n")
}

func TestAPasteThatAProgramRepeatsDoesNotLockTheShell(t *testing.T) {
	m := newRoom(t)
	p := m.sit(t, "1", window)
	p.types("stty -echo; cat; stty echo; echo do''ne\r")
	for range 2500 {
		p.types(strings.Repeat("y", 999) + "\n")
	}
	p.types("\x04")
	p.sees("done\r\n")
}
