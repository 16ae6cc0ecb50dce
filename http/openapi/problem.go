// Problems: a schema for each code, and the responses that have them.

package openapi

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// addProblems adds a schema for the problem of each code, with its facts, and Code for all of them.
func (b *builder) addProblems() {
	facts := b.schemas["Facts"].(object)["properties"].(object)
	all := []any{}
	for _, code := range slices.Sorted(maps.Keys(b.codes)) {
		all = append(all, code)
	}
	b.schemas["Code"] = object{"description": "A code of problems. /problems/CODE explains it.", "enum": all}
	for _, code := range b.codes {
		schema := clone(b.schemas["Problem"]).(object)
		schema["description"] = code.Title + "."
		delete(schema, "x-base")
		properties := schema["properties"].(object)
		properties["type"] = object{"const": "/problems/" + code.Code}
		properties["title"] = object{"const": code.Title}
		properties["status"] = object{"const": code.Status}
		properties["code"] = object{"const": code.Code}
		for _, fact := range code.Facts {
			properties[fact] = clone(facts[fact])
		}
		b.schemas["problem."+code.Code] = schema
	}
}

// problemResponses adds a response for each status of codes.
func (b *builder) problemResponses(responses object, codes []string, headers []string) error {
	byStatus := map[int][]string{}
	slices.Sort(codes)
	for _, name := range slices.Compact(codes) {
		code, known := b.codes[name]
		if !known {
			return fmt.Errorf("there is no code %s", name)
		}
		byStatus[code.Status] = append(byStatus[code.Status], name)
	}
	for status, names := range byStatus {
		schemas, headers := []any{}, slices.Clone(headers)
		for _, name := range names {
			schemas = append(schemas, typeNamed("problem."+name))
			if b.codes[name].RetryAfter > 0 && !slices.Contains(headers, "Retry-After") {
				headers = append(headers, "Retry-After")
			}
		}
		switch status {
		case 401:
			headers = append(headers, "WWW-Authenticate")
		case 415:
			headers = append(headers, "Accept", "Accept-Encoding")
		}
		var schema any = schemas[0]
		if len(schemas) > 1 {
			schema = object{"oneOf": schemas}
		}
		media := object{"application/problem+json": object{"schema": schema}}
		key := strconv.Itoa(status)
		if response, exists := responses[key].(object); exists {
			maps.Copy(response["content"].(object), media)
			continue
		}
		responses[key] = object{"description": "`" + strings.Join(names, "` `") + "`", "headers": headerRefs(headers), "content": media}
	}
	return nil
}
