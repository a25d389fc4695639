// Package protocol holds the shape of what travels on the agent's socket: request lines, answer lines and
// the error codes. It parses strictly, because whoever holds the socket may be a learner with a text editor;
// it must never guess what a malformed line could have meant.
package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxLine is the longest request line, in bytes, its newline not counted.
const MaxLine = 1 << 20

// The error codes an answer may carry.
const (
	CodeBadRequest  = "bad-request"
	CodeNotFound    = "not-found"
	CodeUnavailable = "unavailable"
	CodeTimeout     = "timeout"
	CodeFailed      = "failed"
)

// Error is a refusal in the words of the protocol.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an Error; its message is a sentence for the person who reads it.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsError gives the protocol's view of any error: an Error as it is, everything else as "failed".
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeFailed, Message: err.Error()}
}

// Request is one parsed request line.
type Request struct {
	ID     int64
	Op     string
	Params json.RawMessage
}

// ParseRequest reads one line. Any error means that the line was malformed and that the connection ends.
func ParseRequest(line []byte) (Request, error) {
	if len(line) > MaxLine {
		return Request{}, errors.New("the line is longer than 1 MiB")
	}
	if !utf8.Valid(line) {
		return Request{}, errors.New("the line is not UTF-8")
	}
	var raw struct {
		ID     *int64          `json:"id"`
		Op     *string         `json:"op"`
		Params json.RawMessage `json:"params"`
	}
	if err := decodeStrictly(line, &raw); err != nil {
		return Request{}, err
	}
	if raw.ID == nil || raw.Op == nil {
		return Request{}, errors.New("a request needs an id and an op")
	}
	params := bytes.TrimSpace(raw.Params)
	if len(params) == 0 || bytes.Equal(params, []byte("null")) {
		params = []byte("{}")
	}
	return Request{ID: *raw.ID, Op: *raw.Op, Params: params}, nil
}

// DecodeParams fills dst, whose present values are the defaults. Its error is a bad-request.
func DecodeParams(params json.RawMessage, dst any) error {
	if err := decodeStrictly(params, dst); err != nil {
		return Errorf(CodeBadRequest, "Wrong params: %v.", err)
	}
	return nil
}

func decodeStrictly(data []byte, dst any) error {
	if trimmed := bytes.TrimSpace(data); len(trimmed) == 0 || trimmed[0] != '{' {
		return errors.New("a JSON object is expected")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(dst); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// Within refuses a number outside [low, high].
func Within(name string, value, low, high int64) error {
	if value < low || value > high {
		return Errorf(CodeBadRequest, "%s must be between %d and %d, not %d.", name, low, high, value)
	}
	return nil
}

// Answer is one answer line without its newline.
func Answer(id int64, result any, err error) []byte {
	type envelope struct {
		ID     int64  `json:"id"`
		OK     bool   `json:"ok"`
		Result any    `json:"result,omitempty"`
		Error  *Error `json:"error,omitempty"`
	}
	e := envelope{ID: id, OK: err == nil}
	if err != nil {
		e.Error = AsError(err)
	} else if e.Result = result; result == nil {
		e.Result = struct{}{}
	}
	line, marshalErr := Marshal(e)
	if marshalErr != nil {
		return Answer(id, nil, fmt.Errorf("the answer cannot be written as JSON: %w", marshalErr))
	}
	return line
}

// Marshal is json.Marshal without the escaping meant for HTML, which would only make the lines longer.
func Marshal(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
