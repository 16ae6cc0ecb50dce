// The notation of operations. An operation has one of
//
//	x-command: {name: seats.hold}    a command; async: it answers 202 unless asked to wait. With x-body, and x-ok or x-created
//	x-read: Seat                     a snapshot
//	x-list: Seat                     a page of a list; x-beside: what else is beside its items
//	x-stream: {name: Frame}          an event stream with these frames, "" being one without a name; x-lines: the same as lines
//	x-content: Readiness             anything else
//
// and x-codes, its codes besides those of its kind; x-headers, further headers of a success, and x-problem-headers, of the others.

package openapi

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// expandOperation writes an operation in full.
func (b *builder) expandOperation(path string, op object, route Route) error {
	b.expandRefs(op)
	codes := append(b.codeSet("any"), names(op["x-codes"])...)
	headers := append([]string{"X-Request-Id"}, names(op["x-headers"])...)
	problemHeaders := []string{"X-Request-Id", "Cache-Control"}
	parameters := []any{parameterRef("X-Request-Id")}
	add := func(names ...string) {
		for _, name := range names {
			parameters = append(parameters, parameterRef(name))
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			add(strings.TrimSuffix(name, "}"))
			if name != "code}" && name != "file}" {
				codes = append(codes, b.codeSet("path")...)
			}
		}
	}
	if !route.Public {
		codes = append(codes, b.codeSet("user")...)
	}

	responses, _ := op["responses"].(object)
	if responses == nil {
		responses = object{}
		op["responses"] = responses
	}
	for _, response := range responses {
		response := response.(object)
		response["headers"] = headerRefs(names(response["x-headers"]))
		delete(response, "x-headers")
	}
	switch {
	case op["x-command"] != nil:
		codes = append(codes, b.codeSet("command")...)
		add("Idempotency-Key", "Prefer")
		commandHeaders := []string{"Idempotency-Key", "Idempotent-Replayed", "Preference-Applied"}
		headers, problemHeaders = append(headers, commandHeaders...), append(problemHeaders, commandHeaders...)
		commandResponses(op, responses, headers)
		for _, command := range names(op["x-command"].(object)["name"]) {
			b.commandCodes[command] = codes
		}
	case op["x-read"] != nil:
		codes = append(codes, b.codeSet("read")...)
		add("after")
		headers, problemHeaders = append(headers, "Last-Event-ID", "Cache-Control"), append(problemHeaders, "optional.Last-Event-ID")
		responses["200"] = object{"description": "A snapshot.", "headers": headerRefs(headers), "content": content(op["x-read"])}
	case op["x-list"] != nil:
		codes = append(append(codes, b.codeSet("read")...), b.codeSet("list")...)
		add("after", "limit", "cursor")
		headers, problemHeaders = append(headers, "Last-Event-ID", "Cache-Control"), append(problemHeaders, "optional.Last-Event-ID")
		responses["200"] = object{"description": "A page of the list.", "headers": headerRefs(headers), "content": listContent(op)}
	case op["x-stream"] != nil:
		add("Last-Event-ID", "lastEventId", "rewind")
		headers = append(headers, "Cache-Control")
		content := streamContent(op["x-stream"].(object), !route.Public)
		lines, _ := op["x-lines"].(object)
		for media, schema := range lines {
			content[media] = object{"itemSchema": typeNamed(schema.(string))}
		}
		responses["200"] = object{
			"description": "An event stream that resumes. Above a limit, and while the node drains, it is the line `retry: N` alone.",
			"headers":     headerRefs(headers), "content": content,
		}
	case op["x-content"] != nil:
		headers, problemHeaders = append(headers, "Cache-Control"), append(problemHeaders, names(op["x-problem-headers"])...)
		responses["200"] = object{"description": "OK.", "headers": headerRefs(headers), "content": content(op["x-content"])}
	default:
		return errors.New("it has no kind")
	}
	op["parameters"] = append(parameters, list(op["parameters"])...)
	if err := b.problemResponses(responses, codes, problemHeaders); err != nil {
		return err
	}
	describeAccess(op, route)
	for key := range op {
		if strings.HasPrefix(key, "x-") && key != "x-who" && key != "x-codes" { // those two are for readers
			delete(op, key)
		}
	}
	return nil
}

// codeSet is one of the sets of codes that many operations share.
func (b *builder) codeSet(name string) []string { return names(b.root["x-codes"].(object)[name]) }

// commandResponses are the body and the successes of a command.
func commandResponses(op, responses object, headers []string) {
	schema := object{"type": "object", "maxProperties": 0}
	if body, ok := op["x-body"].(string); ok {
		schema = typeNamed(body)
	}
	op["requestBody"] = object{"content": object{"application/json": object{"schema": schema}}}
	status, result := "200", op["x-ok"]
	if op["x-created"] != nil {
		status, result = "201", op["x-created"]
	}
	results := []any{}
	for _, name := range names(result) {
		results = append(results, typeNamed(name))
	}
	resultSchema := results[0]
	if len(results) > 1 {
		resultSchema = object{"oneOf": results}
	}
	description := "The outcome."
	if command := op["x-command"].(object); command["async"] == true {
		description = "The outcome: with `Prefer: wait=N`, or of an earlier request with this key."
	}
	success := typeNamed("Success")
	success["properties"] = object{"result": resultSchema}
	responses[status] = object{"description": description, "headers": headerRefs(headers),
		"content": object{"application/json": object{"schema": success}}}
	responses["202"] = object{"description": "The command is durable, and not decided yet.", "headers": headerRefs(append(headers, "Location")),
		"content": object{"application/json": object{"schema": typeNamed("Accepted")}}}
}

// content is what a response has: a schema of JSON, a media type of text, or "Schema|text" or "Schema|html" for both.
func content(v any) object {
	name, other, _ := strings.Cut(v.(string), "|")
	if strings.Contains(name, "/") {
		return object{name: object{"schema": object{"type": "string"}}}
	}
	c := object{"application/json": object{"schema": typeNamed(name)}}
	if other != "" {
		media := map[string]string{"text": "text/plain; charset=utf-8", "html": "text/html; charset=utf-8"}[other]
		c[media] = object{"schema": object{"type": "string"}}
	}
	return c
}

func listContent(op object) object {
	properties := object{"items": typeNamed(op["x-list"].(string) + "[]"), "nextCursor?": "string, of the next page"}
	if beside, ok := op["x-beside"].(object); ok {
		maps.Copy(properties, beside)
	}
	schema := object{}
	expandProperties(schema, properties)
	return object{"application/json": object{"schema": schema}}
}

// streamContent has the frames of a stream, with those that all streams have.
func streamContent(frames object, identified bool) object {
	frame := func(event string, data any, more object) object {
		properties := object{"data": data}
		if event != "" {
			properties["event"] = object{"const": event}
		}
		maps.Copy(properties, more)
		schema := object{}
		expandProperties(schema, properties)
		return schema
	}
	id := object{"id": "Position"}
	all := []any{
		frame("connect", frameData("ConnectFrame"), object{"id": "Position", "retry": "integer, milliseconds"}),
		frame("heartbeat", object{"const": ""}, id),
	}
	if identified {
		all = append(all, frame("auth-expiring", frameData("AuthExpiringFrame"), nil),
			frame("auth-expired", frameData("AuthExpiredFrame"), nil))
	}
	for _, event := range slices.Sorted(maps.Keys(frames)) {
		for _, name := range names(frames[event]) {
			name, text := strings.CutSuffix(name, "|text")
			optionalID := object{"id?": "Position"} // of several frames that replace others only the last has one
			all = append(all, frame(event, frameData(name), optionalID))
			if text {
				all = append(all, frame(event, object{"type": "string", "description": "The message alone."}, optionalID))
			}
		}
	}
	return object{"text/event-stream": object{"itemSchema": object{"anyOf": all}}}
}

func frameData(name string) object {
	return object{"type": "string", "contentMediaType": "application/json", "contentSchema": typeNamed(name)}
}

// describeAccess says who may use an operation.
func describeAccess(op object, route Route) {
	if route.Who != "" {
		op["x-who"] = route.Who
	}
	switch {
	case route.Public:
		op["security"] = []any{}
	case route.Stream:
		op["security"] = []any{object{"userHeader": []any{}}, object{"userCookie": []any{}}, object{"userQuery": []any{}},
			object{"bearer": []any{}}, object{"tokenCookie": []any{}}, object{"ticket": []any{}}}
	}
	if route.Anonymous {
		security := list(op["security"])
		if len(security) == 0 {
			security = []any{object{"userHeader": []any{}}, object{"userCookie": []any{}}, object{"bearer": []any{}}, object{"tokenCookie": []any{}}}
		}
		op["security"] = append([]any{object{}}, security...)
	}
}

func parameterRef(name string) object { return object{"$ref": "#/components/parameters/" + name} }

func headerRefs(names []string) object {
	refs := object{}
	for _, name := range names {
		refs[strings.TrimPrefix(name, "optional.")] = object{"$ref": "#/components/headers/" + name}
	}
	return refs
}

func list(v any) []any {
	items, _ := v.([]any)
	return items
}
