// Package engine speaks to the node's own Docker Engine over its unix socket, with plain HTTP: the few calls the
// agent makes need no SDK. The engine may be gone, restarting or replaced by the learner at any time.
package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"slipway.dev/node/internal/protocol"
)

const (
	maxBody  = 4 << 20
	maxEvent = 64 << 10
)

// Client calls one engine.
type Client struct {
	socket string
	base   string
	http   *http.Client
}

// New makes a client of the engine that listens at socket; nothing is opened yet.
func New(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	transport := &http.Transport{DialContext: dial, DisableCompression: true, MaxIdleConns: 2, IdleConnTimeout: 5 * time.Second}
	return &Client{socket: socket, base: "http://docker", http: &http.Client{Transport: transport}}
}

// Through makes a client of another API that answers JSON, at base, through a client that knows how to get there.
func Through(base string, client *http.Client) *Client { return &Client{base: base, http: client} }

// Answer is what the engine answered: Body is JSON, or a JSON string where it was something else or was cut.
type Answer struct {
	Status    int             `json:"status"`
	Body      json.RawMessage `json:"body"`
	Truncated bool            `json:"truncated"`
}

var (
	validMethod = regexp.MustCompile(`^(GET|HEAD|POST|PUT|DELETE)$`)
	validPath   = regexp.MustCompile(`^/[!-~]*$`)
)

// Call makes one call. It returns protocol errors: bad-request, unavailable where the engine does not take the
// call, timeout where ctx ends before the answer does.
func (c *Client) Call(ctx context.Context, method, path string, body json.RawMessage) (Answer, error) {
	if !validMethod.MatchString(method) || !validPath.MatchString(path) {
		return Answer{}, protocol.Errorf(protocol.CodeBadRequest, "The engine cannot be asked %.10q %.200q.", method, path)
	}
	var reader io.Reader
	if len(body) > 0 && !bytes.Equal(body, []byte("null")) {
		reader = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return Answer{}, protocol.Errorf(protocol.CodeBadRequest, "The engine cannot be asked that: %v.", err)
	}
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, callError(ctx, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return Answer{}, callError(ctx, err)
	}
	answer := Answer{Status: response.StatusCode}
	if answer.Truncated = len(content) > maxBody; answer.Truncated {
		content = content[:maxBody]
	}
	answer.Body, err = asJSON(content)
	return answer, err
}

func callError(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return protocol.Errorf(protocol.CodeTimeout, "The engine did not answer in time.")
	}
	return protocol.Errorf(protocol.CodeUnavailable, "The engine does not answer: %v.", err)
}

func asJSON(content []byte) (json.RawMessage, error) {
	if trimmed := bytes.TrimSpace(content); len(trimmed) > 0 && json.Valid(trimmed) {
		var compact bytes.Buffer
		err := json.Compact(&compact, trimmed)
		return compact.Bytes(), err
	}
	return protocol.Marshal(strings.ToValidUTF8(string(content), "\uFFFD"))
}

// Ping returns nil when the engine serves its API.
func (c *Client) Ping(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/_ping", nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the engine answered %s", response.Status)
	}
	return nil
}

// Follow calls event with every event the engine reports, as compact JSON, until the engine or ctx ends. An event over 64 KiB
// is given as nil.
func (c *Client) Follow(ctx context.Context, event func(json.RawMessage)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/events", nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the engine answered %s", response.Status)
	}
	reader := bufio.NewReaderSize(response.Body, maxEvent)
	for {
		line, err := reader.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			event(nil)
			err = skipLine(reader)
			line = nil
		}
		if err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && json.Valid(line) {
			event(bytes.Clone(line))
		}
	}
}

func skipLine(reader *bufio.Reader) error {
	for {
		if _, err := reader.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
