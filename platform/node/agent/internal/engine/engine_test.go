package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway.dev/node/internal/protocol"
)

// serve answers on a unix socket as an engine would.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return New(socket)
}

func TestACallComesBackAsJSONOrAsText(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/json":
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(201)
			fmt.Fprintf(w, "{\"m\": %q,\n \"q\": %q, \"b\": %q}\n", r.Method, r.URL.RawQuery, body)
		case "/text":
			fmt.Fprint(w, "OK\xff")
		}
	})
	for _, each := range []struct{ method, path, body, want string }{
		{"POST", "/json?a=b", `{"x":1}`, `{"m":"POST","q":"a=b","b":"{\"x\":1}"}`},
		{"GET", "/json", "null", `{"m":"GET","q":"","b":""}`},
		{"GET", "/text", "", "\"OK\uFFFD\""},
		{"DELETE", "/nothing", "", `""`},
	} {
		got, err := c.Call(context.Background(), each.method, each.path, json.RawMessage(each.body))
		if err != nil || string(got.Body) != each.want || got.Truncated {
			t.Errorf("%s %s: %d %s, %v", each.method, each.path, got.Status, got.Body, err)
		}
	}
}

func TestALargeBodyIsCut(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "[%q]", strings.Repeat("x", maxBody))
	})
	got, err := c.Call(context.Background(), "GET", "/", nil)
	if err != nil || !got.Truncated || len(got.Body) > maxBody+10 || !json.Valid(got.Body) {
		t.Errorf("%d bytes, %v", len(got.Body), err)
	}
}

func code(err error) string {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return fmt.Sprint(err)
}

func TestWhyACallFailedIsACode(t *testing.T) {
	stuck := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	limited, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := stuck.Call(limited, "GET", "/", nil); code(err) != protocol.CodeTimeout {
		t.Errorf("an engine that is stuck: %v", err)
	}
	if _, err := New("/no/such/socket").Call(context.Background(), "GET", "/", nil); code(err) != protocol.CodeUnavailable {
		t.Errorf("no engine: %v", err)
	}
	for _, each := range [][2]string{{"PATCH", "/"}, {"GET", ""}, {"GET", "x"}, {"GET", "/a b"}, {"GET", "/\r\nHost: x"}, {"", "/"}} {
		if _, err := stuck.Call(context.Background(), each[0], each[1], nil); code(err) != protocol.CodeBadRequest {
			t.Errorf("%q: %v", each, err)
		}
	}
}

func TestEventsAreFollowedPastThoseThatAreTooLong(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "{\"Type\": \"container\"}\n\nnot json\n{\"long\":%q}\n{\"Type\":\"network\"}\n", strings.Repeat("x", 3*maxEvent))
	})
	var got []string
	err := c.Follow(context.Background(), func(event json.RawMessage) { got = append(got, string(event)) })
	if want := `{"Type": "container"}||{"Type":"network"}`; err == nil || strings.Join(got, "|") != want {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAnEngineIsReadyWhenItServes(t *testing.T) {
	status := http.StatusServiceUnavailable
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	if c.Ping(context.Background()) == nil {
		t.Error("ready although it says that it is not")
	}
	status = http.StatusOK
	if err := c.Ping(context.Background()); err != nil {
		t.Error(err)
	}
}
