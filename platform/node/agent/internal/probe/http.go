package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"slipway.dev/node/internal/protocol"
)

// HTTPParams says what to fetch; MaxBody in bytes.
type HTTPParams struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	TimeoutMS int64             `json:"timeout_ms"`
	MaxBody   int64             `json:"max_body"`
}

// HTTPDefaults are the params that were not given.
func HTTPDefaults() HTTPParams {
	return HTTPParams{Method: http.MethodGet, TimeoutMS: 5000, MaxBody: defaultOutput}
}

// HTTPResult is what came back. Error is one word, empty when all went well; Status is 0 when no answer came.
type HTTPResult struct {
	Status     int               `json:"status"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Truncated  bool              `json:"truncated"`
	DurationMS int64             `json:"duration_ms"`
	Error      string            `json:"error"`
}

// HTTP makes one request. Redirects are not followed, and a certificate is not checked: it is a learner's service that is
// tried, and its certificate is its own.
func HTTP(ctx context.Context, params HTTPParams) (HTTPResult, error) {
	request, err := newRequest(params)
	if err != nil {
		return HTTPResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(params.TimeoutMS)*time.Millisecond)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	defer transport.CloseIdleConnections()
	began := time.Now()
	result := HTTPResult{Headers: map[string]string{}}
	response, err := transport.RoundTrip(request.WithContext(ctx))
	if err == nil {
		defer response.Body.Close()
		result.Status = response.StatusCode
		for name, values := range response.Header {
			result.Headers[name] = validText([]byte(strings.Join(values, ", ")))
		}
		var body []byte
		body, err = io.ReadAll(io.LimitReader(response.Body, params.MaxBody+1))
		if result.Truncated = int64(len(body)) > params.MaxBody; result.Truncated {
			body = body[:params.MaxBody]
		}
		result.Body = validText(body)
	}
	result.Error = word(err)
	result.DurationMS = time.Since(began).Milliseconds()
	return result, nil
}

func newRequest(params HTTPParams) (*http.Request, error) {
	if err := protocol.Within("timeout_ms", params.TimeoutMS, 1, 600_000); err != nil {
		return nil, err
	}
	if err := protocol.Within("max_body", params.MaxBody, 0, maxOutput); err != nil {
		return nil, err
	}
	address, err := url.Parse(params.URL)
	if err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https") {
		return nil, protocol.Errorf(protocol.CodeBadRequest, "%.200q is no http or https address.", params.URL)
	}
	request, err := http.NewRequest(params.Method, params.URL, strings.NewReader(params.Body))
	if err != nil {
		return nil, protocol.Errorf(protocol.CodeBadRequest, "That cannot be fetched: %v.", err)
	}
	for name, value := range params.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	return request, nil
}

// word says in one word why a connection came to nothing.
func word(err error) string {
	var network net.Error
	var name *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &name):
		return "no-such-host"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no-route"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE):
		return "reset"
	default:
		return "other"
	}
}

// TCPParams names an address, "host:port".
type TCPParams struct {
	Address   string `json:"address"`
	TimeoutMS int64  `json:"timeout_ms"`
}

// TCPDefaults are the params that were not given.
func TCPDefaults() TCPParams { return TCPParams{TimeoutMS: 5000} }

// TCPResult tells whether somebody listens there; Error is one word as in HTTPResult.
type TCPResult struct {
	Open  bool   `json:"open"`
	Error string `json:"error"`
}

// TCP tries to connect.
func TCP(ctx context.Context, params TCPParams) (TCPResult, error) {
	connection, err := Dial(ctx, params)
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return TCPResult{}, err
	}
	if err != nil {
		return TCPResult{Error: word(err)}, nil
	}
	_ = connection.Close()
	return TCPResult{Open: true}, nil
}

// Dial connects. Wrong params are a *protocol.Error, everything else is an error of the network.
func Dial(ctx context.Context, params TCPParams) (net.Conn, error) {
	if err := protocol.Within("timeout_ms", params.TimeoutMS, 1, 600_000); err != nil {
		return nil, err
	}
	if _, port, err := net.SplitHostPort(params.Address); err != nil || port == "" {
		return nil, protocol.Errorf(protocol.CodeBadRequest, "%.200q is no host:port.", params.Address)
	}
	dialer := net.Dialer{Timeout: time.Duration(params.TimeoutMS) * time.Millisecond}
	return dialer.DialContext(ctx, "tcp", params.Address)
}

// DialError puts a failed Dial into the protocol's words.
func DialError(address string, err error) error {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return err
	}
	if reason := word(err); reason == "timeout" {
		return protocol.Errorf(protocol.CodeTimeout, "%s does not answer.", address)
	} else {
		return protocol.Errorf(protocol.CodeFailed, "%s cannot be reached: %s.", address, reason)
	}
}
