// The notation of schemas, which is JSON Schema and shorter:
//
//	properties:
//	  name: string                     the type is a name: of JSON Schema, or of one of our schemas
//	  seats: Seat[], free ones         an array; behind the comma a description
//	  opensAt: Time|null               or null
//	  note?: string                    optional; all others are required
//
// $ref: Seat is the same as $ref: "#/components/schemas/Seat". A schema with x-extends has the properties of others too, and one
// with x-facts all facts of codes. Both are resolved here: clients see plain schemas. One with x-base is there to be extended only.

package openapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// expandSchemas expands all schemas of the document.
func (b *builder) expandSchemas() error {
	for _, part := range b.root["components"].(object) {
		for _, component := range part.(object) {
			b.expandRefs(component)
		}
	}
	done := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(b.schemas)) {
		if err := b.expandComponent(name, done); err != nil {
			return err
		}
	}
	return nil
}

// expandRefs expands what is under a component or an operation.
func (b *builder) expandRefs(v any) {
	switch v := v.(type) {
	case object:
		if name, ok := v["$ref"].(string); ok && !strings.Contains(name, "/") {
			v["$ref"] = schemaRef(name)
		}
		if properties, ok := v["properties"].(object); ok {
			expandProperties(v, properties)
		}
		for key, value := range v {
			if key != "examples" {
				b.expandRefs(value)
			}
		}
	case []any:
		for _, value := range v {
			b.expandRefs(value)
		}
	}
}

// expandProperties reads the notation of properties.
func expandProperties(schema, properties object) {
	expanded, required := object{}, []any{}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		value := properties[key]
		if text, ok := value.(string); ok {
			value = parseType(text)
		}
		name, optional := strings.CutSuffix(key, "?")
		if expanded[name] = value; !optional {
			required = append(required, name)
		}
	}
	schema["type"], schema["properties"] = "object", expanded
	if len(required) > 0 {
		schema["required"] = required
	}
}

// parseType reads the notation of a type with its description.
func parseType(text string) object {
	name, description, _ := strings.Cut(text, ", ")
	schema := typeNamed(name)
	if description != "" {
		schema["description"] = description
	}
	return schema
}

func typeNamed(name string) object {
	if item, ok := strings.CutSuffix(name, "[]"); ok {
		return object{"type": "array", "items": typeNamed(item)}
	}
	if some, ok := strings.CutSuffix(name, "|null"); ok {
		return object{"oneOf": []any{typeNamed(some), object{"type": "null"}}}
	}
	switch name {
	case "string", "integer", "number", "boolean":
		return object{"type": name}
	}
	return object{"$ref": schemaRef(name)}
}

func schemaRef(name string) string { return "#/components/schemas/" + name }

// expandComponent adds the properties of those that a schema extends, whose own are added first.
func (b *builder) expandComponent(name string, done map[string]bool) error {
	if done[name] {
		return nil
	}
	done[name] = true
	schema, ok := b.schemas[name].(object)
	if !ok {
		return fmt.Errorf("there is no schema %s", name)
	}
	for _, base := range names(schema["x-extends"]) {
		if err := b.expandComponent(base, done); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		extend(schema, b.schemas[base].(object))
	}
	if schema["x-facts"] == true {
		extend(schema, b.schemas["Facts"].(object))
	}
	delete(schema, "x-extends")
	delete(schema, "x-facts")
	return nil
}

// extend adds the properties of base that schema does not have.
func extend(schema, base object) {
	properties, _ := schema["properties"].(object)
	if properties == nil {
		properties = object{}
	}
	required, _ := schema["required"].([]any)
	baseRequired, _ := base["required"].([]any)
	for name, property := range base["properties"].(object) {
		if _, exists := properties[name]; exists {
			continue
		}
		properties[name] = clone(property)
		if slices.Contains(baseRequired, any(name)) {
			required = append(required, name)
		}
	}
	slices.SortFunc(required, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	schema["type"], schema["properties"] = "object", properties
	if len(required) > 0 {
		schema["required"] = required
	}
}

// names is a name, or a list of names.
func names(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		list := make([]string, len(v))
		for i, name := range v {
			list[i] = name.(string)
		}
		return list
	}
	return nil
}
