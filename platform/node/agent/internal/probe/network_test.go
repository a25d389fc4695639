package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/protocol"
)

func fetch(t *testing.T, url string, change func(*HTTPParams)) HTTPResult {
	t.Helper()
	params := HTTPDefaults()
	params.URL = url
	if change != nil {
		change(&params)
	}
	result, err := HTTP(context.Background(), params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestAPageIsFetchedAsAskedAndRedirectsAreShown(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/else", http.StatusFound)
			return
		}
		body := make([]byte, 4)
		_, _ = r.Body.Read(body)
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		w.WriteHeader(418)
		fmt.Fprintf(w, "%s %s %s %s\xff", r.Method, r.Host, r.Header.Get("X-Ask"), body)
	}))
	defer page.Close()
	got := fetch(t, page.URL, func(p *HTTPParams) {
		p.Method, p.Body, p.Headers = "POST", "tea?", map[string]string{"X-Ask": "yes", "host": "shop.example"}
	})
	if got.Status != 418 || got.Body != "POST shop.example yes tea?\uFFFD" || got.Headers["X-Two"] != "a, b" || got.Error != "" {
		t.Errorf("%+v", got)
	}
	if got := fetch(t, page.URL+"/moved", nil); got.Status != 302 || got.Headers["Location"] != "/else" {
		t.Errorf("%+v", got)
	}
}

func TestAServiceWithACertificateOfItsOwnIsFetched(t *testing.T) {
	page := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hi") }))
	defer page.Close()
	if got := fetch(t, page.URL, nil); got.Status != 200 || got.Body != "hi" {
		t.Errorf("%+v", got)
	}
}

func TestAnEndlessPageIsCut(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 10000)); err != nil {
				return
			}
		}
	}))
	defer page.Close()
	if got := fetch(t, page.URL, func(p *HTTPParams) { p.MaxBody = 5000 }); len(got.Body) != 5000 || !got.Truncated || got.Error != "" {
		t.Errorf("%d bytes, %+v", len(got.Body), got.Error)
	}
}

func TestWhyNoPageCameIsOneWord(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	rude, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	go func() {
		for {
			conn, err := rude.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	stuck := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer stuck.Close()
	for _, each := range []struct {
		url, want string
		status    int
	}{
		{"http://" + closedPort(t), "refused", 0},
		{"http://" + silent.Addr().String(), "timeout", 0},
		{"http://" + rude.Addr().String(), "reset", 0},
		{"https://" + stuck.Listener.Addr().String(), "other", 0},
		{"http://no-such-host.invalid", "no-such-host", 0},
		{stuck.URL, "timeout", 200},
	} {
		got := fetch(t, each.url, func(p *HTTPParams) { p.TimeoutMS = 400 })
		if strings.HasSuffix(each.url, ".invalid") && got.Error == "timeout" {
			t.Logf("this machine's resolver does not answer")
			continue
		}
		if got.Error != each.want || got.Status != each.status {
			t.Errorf("%s: %+v", each.url, got)
		}
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestWhatCannotBeFetchedIsABadRequest(t *testing.T) {
	for _, url := range []string{"", "ftp://a/", "/x", "http://", "http://a\x00b/", "unix:///run/docker.sock"} {
		params := HTTPDefaults()
		params.URL = url
		_, err := HTTP(context.Background(), params)
		isBadRequest(t, url, err)
	}
	params := HTTPDefaults()
	params.URL, params.Method = "http://a/", "GE T"
	_, err := HTTP(context.Background(), params)
	isBadRequest(t, "method", err)
}

func TestAnOpenPortIsToldFromAClosedOne(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got, err := TCP(context.Background(), TCPParams{listener.Addr().String(), 1000}); err != nil || got != (TCPResult{Open: true}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := TCP(context.Background(), TCPParams{closedPort(t), 1000}); err != nil || got != (TCPResult{Error: "refused"}) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = TCP(context.Background(), TCPParams{"127.0.0.1", 1000})
	isBadRequest(t, "no port", err)
	var refusal *protocol.Error
	if _, err := Dial(context.Background(), TCPParams{closedPort(t), 1000}); !errors.As(DialError("a:1", err), &refusal) || refusal.Code != protocol.CodeFailed {
		t.Errorf("%v", err)
	}
}

func TestPingCountsEchoesOfBothFamilies(t *testing.T) {
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP); err != nil {
		t.Skip("no raw socket here: ", err)
	} else {
		_ = unix.Close(fd)
	}
	addresses := []string{"127.0.0.1", "localhost"}
	if content, err := os.ReadFile("/proc/net/if_inet6"); err == nil && strings.Contains(string(content), " lo\n") {
		addresses = append(addresses, "::1")
	}
	for _, address := range addresses {
		got, err := Ping(context.Background(), PingParams{Address: address, Count: 3, TimeoutMS: 3000})
		if err != nil || got.Sent != 3 || got.Received != 3 || got.RTTMS == nil || *got.RTTMS > 100 {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	began := time.Now()
	// The kernel refuses to send to the broadcast address, so nothing leaves the machine.
	got, err := Ping(context.Background(), PingParams{Address: "255.255.255.255", Count: 2, TimeoutMS: 300})
	if err != nil || got.Sent != 2 || got.Received != 0 || got.RTTMS != nil || time.Since(began) > 2*time.Second {
		t.Errorf("%+v, %v, %v", got, err, time.Since(began))
	}
}

func TestAPingOfNobodyIsRefused(t *testing.T) {
	for _, params := range []PingParams{{"", 1, 100}, {"127.0.0.1", 0, 100}, {"127.0.0.1", 21, 100}, {"127.0.0.1", 1, 0}} {
		_, err := Ping(context.Background(), params)
		isBadRequest(t, fmt.Sprint(params), err)
	}
}

func TestAnswersToSomebodyElsesPingAreNotTakenForOurs(t *testing.T) {
	p := &pinger{v4: true, token: [16]byte{1, 2, 3}}
	reply := append(append(make([]byte, 8), p.token[:]...), "tail"...)
	reply[7] = 5
	if sequence, ok := p.parse(reply); !ok || sequence != 5 {
		t.Errorf("our own: %d, %v", sequence, ok)
	}
	header := append([]byte{0x46}, make([]byte, 23)...)
	if sequence, ok := p.parse(append(header, reply...)); !ok || sequence != 5 {
		t.Errorf("behind an IP header with options: %d, %v", sequence, ok)
	}
	request := append([]byte{8}, reply[1:]...)
	other := append([]byte{}, reply...)
	other[8] = 9
	for _, packet := range [][]byte{nil, reply[:20], request, other, {0x4f}, append([]byte{0x4f}, make([]byte, 30)...)} {
		if _, ok := p.parse(packet); ok {
			t.Errorf("%v was taken", packet)
		}
	}
}
