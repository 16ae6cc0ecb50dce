// What the readers of commands share: which promotion, schedule, … a path names, and what its body says about it.
package http

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"onsale/domain"
)

// checked is a body that knows its own shape.
type checked interface {
	domain.Body
	Check() error
}

// about reads a command on what the path names by param; read takes its fields out of the body.
func about(param string, read func(*object) checked) wishReader {
	return func(w http.ResponseWriter, r *http.Request) (wish, error) {
		entity, err := pathID(r, param)
		if err != nil {
			return wish{}, err
		}
		body, decoded, err := readWish(w, r, read)
		return wish{entity: entity, body: body, decoded: decoded}, err
	}
}

// bare reads a command whose path says everything. There is nothing to say in its body.
func bare(read func(*http.Request) (entity string, body domain.Body, err error)) wishReader {
	return func(w http.ResponseWriter, r *http.Request) (wish, error) {
		entity, body, err := read(r)
		if err != nil {
			return wish{}, err
		}
		return wish{entity: entity, body: body}, readFields(w, r, func(*object) {})
	}
}

// byAdmin reads a command that goes in where users are kept out for want of room.
func byAdmin(read wishReader) wishReader {
	return func(w http.ResponseWriter, r *http.Request) (wish, error) {
		wish, err := read(w, r)
		wish.admin = true
		return wish, err
	}
}

// readFields takes the fields of a body, whose values are for the rules to judge.
func readFields(w http.ResponseWriter, r *http.Request, take func(*object)) error {
	fields, err := readBody(w, r)
	if err != nil {
		return err
	}
	take(fields)
	return fields.end()
}

// readWish reads a body whole, checks its shape, and gives it back in the one spelling that fingerprints cover.
func readWish(w http.ResponseWriter, r *http.Request, read func(*object) checked) (body checked, decoded string, err error) {
	if err := readFields(w, r, func(o *object) { body = read(o) }); err != nil {
		return nil, "", err
	}
	if err := body.Check(); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(body)
	return body, string(text), err
}

// madeID is the id in the path of something that onsale has named: a coupon, a reservation, a place in a waiting list.
func madeID(r *http.Request, name string) (string, error) {
	id := r.PathValue(name)
	return id, checkID(id, name, maxID)
}

// cutID takes such an id apart: what it belongs to, the mark, and a number from 1 on. Of an id that was never made so, it
// gives the whole and 0: nothing is there that has this name, so the rules find nothing, and the refusal is an outcome
// like every other.
func cutID(id, mark string) (entity string, number int) {
	i := strings.LastIndex(id, mark)
	if i < 1 {
		return id, 0
	}
	number, err := strconv.Atoi(id[i+len(mark):])
	if err != nil || number < 1 || id != id[:i]+mark+strconv.Itoa(number) {
		return id, 0
	}
	return id[:i], number
}
