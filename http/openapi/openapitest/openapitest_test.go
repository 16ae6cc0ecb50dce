package openapitest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const document = `{"paths": {
  "/things/{id}": {"get": {
    "parameters": [{"name": "limit", "in": "query"}],
    "responses": {
      "200": {"headers": {"ETag": {"$ref": "#/components/headers/ETag"}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
      "404": {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem.not_found"}}}}
    }
  }, "post": {
    "parameters": [], "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
    "responses": {"202": {}}
  }},
  "/things/first": {"delete": {"parameters": [], "responses": {"204": {}}}},
  "/stream": {"get": {"parameters": [], "responses": {"200": {"content": {"text/event-stream": {"itemSchema": {"anyOf": [
    {"properties": {"event": {"const": "made"}, "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": {"$ref": "#/components/schemas/Thing"}}}}
  ]}}}}}}}
}, "components": {
  "headers": {"ETag": {"required": true, "schema": {"pattern": "^x"}}},
  "schemas": {
    "Thing": {"properties": {"name": {"type": "string"}}, "required": ["name"]},
    "problem.not_found": {"properties": {"code": {"const": "not_found"}}},
    "problem.method_not_allowed": {"properties": {"code": {"const": "method_not_allowed"}}}
  }
}}`

func TestDocument_ChecksExchanges(t *testing.T) {
	d, err := Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		method, path string
		body         string
		status       int
		header       string // of the response
		response     string
		want         string // part of the error; "": none
	}{
		{"GET", "/things/1", "", 200, "Content-Type: application/json\nEtag: x", `{"name":"a"}`, ""},
		{"HEAD", "/things/1?limit=1", "", 200, "Content-Type: application/json\nEtag: x", "", ""},
		{"GET", "/things/first", "", 200, "Content-Type: application/json\nEtag: x", `{"name":"a"}`, ""},
		{"GET", "/things/1", "", 404, "Content-Type: application/problem+json", `{"code":"not_found"}`, ""},
		{"GET", "/nothing", "", 404, "Content-Type: application/problem+json", `{"code":"not_found"}`, ""},
		{"PUT", "/things/1", "", 405, "Allow: GET", `{"code":"method_not_allowed"}`, ""},
		{"HEAD", "/stream", "", 405, "Allow: GET", "", ""},
		{"OPTIONS", "/things/1", "", 204, "Allow: GET", "", ""},
		{"POST", "/things/1", `{"name":"a"}`, 202, "", "", ""},

		{"GET", "/nothing", "", 200, "", "", "not in the document"},
		{"PUT", "/things/1", "", 405, "", `{"code":"method_not_allowed"}`, "without Allow"},
		{"GET", "/things/1", "", 500, "", "", "does not have this status"},
		{"GET", "/things/1", "", 200, "Content-Type: application/json", `{"name":"a"}`, "Etag"},
		{"GET", "/things/1", "", 200, "Content-Type: application/json\nEtag: y", `{"name":"a"}`, "pattern"},
		{"GET", "/things/1", "", 200, "Content-Type: application/json\nEtag: x\nX-Other: 1", `{"name":"a"}`, "X-Other"},
		{"GET", "/things/1", "", 200, "Content-Type: text/plain\nEtag: x", `{"name":"a"}`, "text/plain"},
		{"GET", "/things/1", "", 200, "Content-Type: application/json\nEtag: x", `{"name":"a","more":1}`, "additional"},
		{"GET", "/things/1", "", 200, "Content-Type: application/json\nEtag: x", `{}`, "missing"},
		{"GET", "/things/1", "", 404, "Content-Type: application/problem+json", `{"code":"gone"}`, "not_found"},
		{"GET", "/things/1?offset=1", "", 200, "Content-Type: application/json\nEtag: x", `{"name":"a"}`, "offset"},
		{"POST", "/things/1", `{"name":1}`, 202, "", "", "string"},
		{"POST", "/things/1", `{"name":"a"}`, 202, "", "body", "a body"},
	}
	for _, test := range tests {
		e := Exchange{
			Method: test.method, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(test.body),
			Status: test.status, ResponseHeader: http.Header{}, ResponseBody: []byte(test.response),
		}
		if e.URL, err = url.Parse(test.path); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(test.header, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				e.ResponseHeader.Set(name, value)
			}
		}
		switch err := d.Check(e); {
		case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(test.want))):
			t.Errorf("%v: got %v", test, err)
		}
	}
}

func TestDocument_ChecksFrames(t *testing.T) {
	d, err := Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.CheckFrame("/stream", Frame{Event: "made", Data: `{"name":"a"}`}); err != nil {
		t.Error(err)
	}
	for _, wrong := range []Frame{{Event: "other", Data: `{"name":"a"}`}, {Event: "made", Data: `{"name":1}`}, {Event: "made", Data: `{"name":"a","b":1}`}, {Event: "made", Data: "{"}, {Event: "made", Data: `{"name":"a"}`, ID: "1"}} {
		if d.CheckFrame("/stream", wrong) == nil {
			t.Errorf("%v is in the document", wrong)
		}
	}
	if d.CheckFrame("/things/1", Frame{}) == nil {
		t.Error("it is no stream")
	}
}
