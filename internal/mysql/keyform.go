package mysql

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"bridge/change"
)

// KeyForms gives text keys a form that is the same bytes for texts that the server holds equal, and
// different for others: what [change.KeyOf] needs of a [change.Normalize], for collations under which
// "a" and "A", "e" and "é" or "a" and "a " may be one value.
//
// The server is asked, once per collation what it's like and then for each text that isn't plain, by
// WEIGHT_STRING; answers are kept, the last so many. The form is
//
//   - under a binary collation the text, without trailing spaces if the collation pads;
//   - otherwise, where the weights are those of printable ASCII characters, these: a text that has such
//     characters only comes out in lower case;
//   - otherwise a zero byte and the weights.
//
// So forms are readable mostly, and the same on servers of different kinds for plain texts. Weights
// depend on the collation: the regions of a mesh must give a key column the same one.
//
// Its methods are safe for use by several goroutines.
type KeyForms struct {
	query func(ctx context.Context, sql string) ([]change.Image, error)
	mu    sync.Mutex
	known map[string]*KeyForm
}

// NewKeyForms makes key forms. query runs one query on the server, in a session of [Server.Connect].
func NewKeyForms(query func(ctx context.Context, sql string) ([]change.Image, error)) *KeyForms {
	return &KeyForms{query: query, known: map[string]*KeyForm{}}
}

// ErrNoForm means that weights don't tell which texts are equal under a collation.
var ErrNoForm = errors.New("it compares in several steps and ignores trailing spaces, so which keys are equal can't be told: " +
	"give the key column a binary collation, such as utf8mb4_bin")

// Collation returns the forms under one collation. It's an error when the server doesn't have it, and [ErrNoForm] when
// it can't be a key's.
func (k *KeyForms) Collation(ctx context.Context, charset, collation string) (*KeyForm, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := charset + " " + collation
	if f := k.known[id]; f != nil {
		return f, nil
	}
	f := &KeyForm{query: k.query, charset: charset, collation: collation}
	if err := f.learn(ctx); err != nil {
		return nil, fmt.Errorf("collation %s: %w", collation, err)
	}
	k.known[id] = f
	return f, nil
}

// KeyForm is the form of keys under one collation: see [KeyForms].
type KeyForm struct {
	query              func(ctx context.Context, sql string) ([]change.Image, error)
	charset, collation string
	pads               bool // trailing spaces don't count
	binary             bool // characters are equal only to themselves
	// plain says that a text of printable ASCII is equal to what folded makes of it, without asking.
	plain  bool
	space  string          // the weight of a space
	width  int             // in bytes, of each printable ASCII character's weight; 0 if they differ
	ascii  map[string]byte // weight → the character that stands for all of that weight
	folded [128]byte       // printable character → the one that stands for it

	mu sync.Mutex
	// Two generations of answers bound what is kept: when the newer is full, it becomes the older.
	newer, older map[string]string
}

// cached is how many answers a generation has at most.
const cached = 1 << 15

const firstPrintable, lastPrintable = ' ', '~'

// additive are the collations, without their character set's name, of which is proven, by a test against
// the servers, that the weights of a text of printable ASCII are its characters' weights in their order:
// no contractions, such as the Danish aa, and no levels.
var additive = map[string]bool{
	"general_ci": true, "general_nopad_ci": true, // latin1_general_ci and cp1251_general_ci among them
	"unicode_ci": true, "unicode_nopad_ci": true,
	"unicode_520_ci": true, "unicode_520_nopad_ci": true,
	"0900_ai_ci":    true,
	"uca1400_ai_ci": true, "uca1400_nopad_ai_ci": true,
	"swedish_ci": true, "swedish_nopad_ci": true, // of latin1: utf8mb4_swedish_ci is another
}

func isAdditive(charset, collation string) bool {
	name := strings.TrimPrefix(collation, charset+"_")
	return additive[name] && (!strings.HasPrefix(name, "swedish") || charset == "latin1")
}

// Of returns the form of a text.
func (f *KeyForm) Of(ctx context.Context, text string) (string, error) {
	if f.binary {
		if f.pads {
			return strings.TrimRight(text, " "), nil
		}
		return text, nil
	}
	if f.plain && isPrintable(text) {
		return f.fold(text), nil
	}
	if form, ok := f.remembered(text); ok {
		return form, nil
	}
	weights, err := f.weights(ctx, text)
	if err != nil {
		return "", fmt.Errorf("ask the server for the weights of a key under collation %s: %w", f.collation, err)
	}
	form := f.form(weights[0])
	f.remember(text, form)
	return form, nil
}

// fold is the form of a plain text.
func (f *KeyForm) fold(text string) string {
	if f.pads {
		text = strings.TrimRight(text, " ")
	}
	for i := range len(text) {
		if f.folded[text[i]] != text[i] {
			b := []byte(text)
			for ; i < len(b); i++ {
				b[i] = f.folded[b[i]]
			}
			return string(b)
		}
	}
	return text
}

// form makes weights the form.
func (f *KeyForm) form(weights string) string {
	if f.pads {
		for f.space != "" && strings.HasSuffix(weights, f.space) {
			weights = weights[:len(weights)-len(f.space)]
		}
	}
	if f.width == 0 || len(weights)%f.width != 0 {
		return "\x00" + weights
	}
	text := make([]byte, 0, len(weights)/f.width)
	for i := 0; i < len(weights); i += f.width {
		c, ok := f.ascii[weights[i:i+f.width]]
		if !ok {
			return "\x00" + weights
		}
		text = append(text, c)
	}
	return string(text)
}

func isPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < firstPrintable || text[i] > lastPrintable {
			return false
		}
	}
	return true
}

// learn asks the server what the collation is like.
func (f *KeyForm) learn(ctx context.Context) error {
	if f.charset == "binary" {
		f.binary = true
		return nil
	}
	rows, err := f.query(ctx, fmt.Sprintf("SELECT %s = %s", f.sql("a "), f.sql("a")))
	if err != nil {
		return err
	}
	equal, _ := rows[0][0].Text()
	f.pads = equal == "1"
	if strings.HasSuffix(f.collation, "_bin") {
		f.binary = true
		return nil
	}
	texts := make([]string, 0, lastPrintable-firstPrintable+2)
	for c := byte(firstPrintable); c <= lastPrintable; c++ {
		texts = append(texts, string(c))
	}
	weights, err := f.weights(ctx, append(texts, "ab")...)
	if err != nil {
		return err
	}
	if of := func(c byte) string { return weights[c-firstPrintable] }; weights[len(texts)] != of('a')+of('b') {
		if f.pads {
			return ErrNoForm
		}
		return nil // all through the server, and by weights alone
	}
	f.space = weights[0]
	f.learnASCII(texts, weights)
	f.plain = f.width > 0 && isAdditive(f.charset, f.collation)
	return nil
}

// learnASCII notes the weight of each printable character, and which stands for those of one weight: the
// small letter or, without one, the first.
func (f *KeyForm) learnASCII(texts, weights []string) {
	width := len(weights[0])
	ascii := map[string]byte{}
	for i, text := range texts {
		c, w := text[0], weights[i]
		if len(w) != width || width == 0 {
			return
		}
		if had, ok := ascii[w]; !ok || c >= 'a' && c <= 'z' && (had < 'a' || had > 'z') {
			ascii[w] = c
		}
	}
	for i, text := range texts {
		f.folded[text[0]] = ascii[weights[i]]
	}
	f.width, f.ascii = width, ascii
}

// weights asks for the weights of texts.
func (f *KeyForm) weights(ctx context.Context, texts ...string) ([]string, error) {
	var sql strings.Builder
	sql.WriteString("SELECT ")
	for i, text := range texts {
		if i > 0 {
			sql.WriteString(", ")
		}
		sql.WriteString("hex(weight_string(" + f.sql(text) + "))")
	}
	rows, err := f.query(ctx, sql.String())
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(rows[0]) != len(texts) {
		return nil, ErrNoRow
	}
	out := make([]string, len(texts))
	for i, v := range rows[0] {
		text, ok := v.Text()
		b, err := hex.DecodeString(text)
		if !ok || err != nil {
			return nil, fmt.Errorf("the server has no weights for a text under %s", f.collation)
		}
		out[i] = string(b)
	}
	return out, nil
}

// sql is a text under the collation.
func (f *KeyForm) sql(text string) string {
	return "convert(" + Literal(text) + " USING " + Quote(f.charset) + ") COLLATE " + Quote(f.collation)
}

func (f *KeyForm) remembered(text string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if form, ok := f.newer[text]; ok {
		return form, true
	}
	form, ok := f.older[text]
	if ok {
		f.put(text, form)
	}
	return form, ok
}

func (f *KeyForm) remember(text, form string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put(text, form)
}

func (f *KeyForm) put(text, form string) {
	if f.newer == nil || len(f.newer) >= cached {
		f.newer, f.older = make(map[string]string), f.newer
	}
	f.newer[text] = form
}
