package protocol

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestARequestIsReadWithItsParams(t *testing.T) {
	got, err := ParseRequest([]byte(`{"id": 7, "op": "wait", "params": {"service": "dockerd"}}`))
	if err != nil || got.ID != 7 || got.Op != "wait" || string(got.Params) != `{"service": "dockerd"}` {
		t.Errorf("%+v, %v", got, err)
	}
	for _, line := range []string{`{"id":1,"op":"status"}`, `{"id":1,"op":"status","params":null}`} {
		if got, err := ParseRequest([]byte(line)); err != nil || string(got.Params) != "{}" {
			t.Errorf("%s: %s, %v", line, got.Params, err)
		}
	}
}

func TestAMalformedLineIsRefused(t *testing.T) {
	for _, line := range []string{
		"", " ", "hello", "[]", "null", `"op"`, "{", `{"id":1}`, `{"op":"status"}`, `{"id":"1","op":"status"}`,
		`{"id":1.5,"op":"status"}`, `{"id":1,"op":2}`, `{"id":1,"op":"status"} {}`, `{"id":1,"op":"status","extra":1}`,
		`{"id":99999999999999999999,"op":"status"}`, "{\"id\":1,\"op\":\"\xff\"}", "\x00\x00\x00\x00",
		`{"id":1,"op":"` + strings.Repeat("a", MaxLine) + `"}`,
	} {
		if got, err := ParseRequest([]byte(line)); err == nil {
			t.Errorf("%.60q was read as %+v", line, got)
		}
	}
}

func TestParamsKeepTheirDefaultsAndWrongOnesAreNamed(t *testing.T) {
	type params struct {
		Count int    `json:"count"`
		Name  string `json:"name"`
	}
	p := params{Count: 3}
	if err := DecodeParams(json.RawMessage(`{"name":"x"}`), &p); err != nil || p != (params{3, "x"}) {
		t.Errorf("%+v, %v", p, err)
	}
	for _, raw := range []string{`{"count":"3"}`, `{"cuont":3}`, `[]`, `3`} {
		var refusal *Error
		if err := DecodeParams(json.RawMessage(raw), &p); !errors.As(err, &refusal) || refusal.Code != CodeBadRequest {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestAnswersAreLinesOfTheProtocol(t *testing.T) {
	for _, each := range []struct {
		result any
		err    error
		want   string
	}{
		{map[string]int{"written": 2}, nil, `{"id":4,"ok":true,"result":{"written":2}}`},
		{nil, nil, `{"id":4,"ok":true,"result":{}}`},
		{nil, Errorf(CodeNotFound, "There is no shell %d.", 7), `{"id":4,"ok":false,"error":{"code":"not-found","message":"There is no shell 7."}}`},
		{nil, errors.New("disk full"), `{"id":4,"ok":false,"error":{"code":"failed","message":"disk full"}}`},
		{"a\nb<c>", nil, `{"id":4,"ok":true,"result":"a\nb<c>"}`},
	} {
		if got := string(Answer(4, each.result, each.err)); got != each.want {
			t.Errorf("%s, want %s", got, each.want)
		}
	}
	if got := string(Answer(4, func() {}, nil)); !strings.Contains(got, `"failed"`) {
		t.Errorf("what cannot be JSON gave %s", got)
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"op":"status","params":{}}`, `{"id":-1,"op":"","params":[]}`, `{"id":1,"op":"x","params":{"a":{"b":[1,2]}}}`,
		`{"ID":1,"Op":"status"}`, "{\"id\":1,\"op\":\"\\ud800\"}", strings.Repeat("[", 5000), `{"id":1,"id":2,"op":"a"}`, "\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		request, err := ParseRequest(line)
		if err != nil {
			return
		}
		if !json.Valid(request.Params) {
			t.Errorf("params are not JSON: %q", request.Params)
		}
		answer := Answer(request.ID, nil, Errorf(CodeBadRequest, "There is no operation %.40q.", request.Op))
		if !json.Valid(answer) || strings.ContainsRune(string(answer), '\n') {
			t.Errorf("the answer is not one line of JSON: %q", answer)
		}
	})
}
