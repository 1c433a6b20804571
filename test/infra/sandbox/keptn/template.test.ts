import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { TemplateError } from '../../../../infra/sandbox/keptn/template/errors.ts'
import { render } from '../../../../infra/sandbox/keptn/template/evaluate.ts'
import { formatValue } from '../../../../infra/sandbox/keptn/template/format.ts'
import { sprintf } from '../../../../infra/sandbox/keptn/template/sprintf.ts'
import type { GoValue } from '../../../../infra/sandbox/keptn/template/values.ts'
import { anyCharacter } from '../../../shared/text/any-character.ts'

const data = {
  id: 'abc',
  n: 7,
  f: 1.5,
  big: 12_345_678,
  yes: true,
  no: false,
  nothing: null,
  empty: '',
  text: 'Überlast "5" <&> it\'s',
  list: ['a', 'b'],
  none: [],
  map: { b: 1, a: { x: 'y' }, 'my-key': 'dash' },
  env: new Map([['token', 's3cret']]),
}

describe('a template', () => {
  it.each([
    ['{{.id}}', 'abc'],
    ['{{ .map.a.x }}', 'y'],
    ['{{$.id}}{{$x := .n}}{{$x}}', 'abc7'],
    ['{{(index .map "my-key")}} {{index .map "a" "x"}} {{index .list 1}}', 'dash y b'],
    ['{{(index .map "a").x}}', 'y'],
    ['{{.f}} {{.big}} {{.yes}} {{.list}} {{.map}}', '1.5 1.2345678e+07 true [a b] map[a:map[x:y] b:1 my-key:dash]'],
    [
      '{{.nothing}}|{{index .map "nope"}}|{{print .nothing}}|{{urlquery .nothing}}',
      '<no value>|<no value>|<nil>|%3Cno+value%3E',
    ],
    ['{{index .env "nope"}}', ''],
    ['{{if .yes}}a{{else}}b{{end}}{{if .no}}a{{else if .id}}c{{else}}b{{end}}', 'ac'],
    ['{{with .map.a}}{{.x}}{{end}}{{with .empty}}x{{else}}none{{end}}', 'ynone'],
    ['{{range .list}}{{.}},{{end}}{{range .none}}x{{else}}empty{{end}}', 'a,b,empty'],
    ['{{range $i, $v := .list}}{{$i}}={{$v}} {{end}}', '0=a 1=b '],
    ['{{range $k, $v := .map}}{{$k}} {{end}}', 'a b my-key '],
    ['{{range .list}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{continue}}never{{end}}', 'a'],
    ['{{$x := "a"}}{{range .list}}{{$x = .}}{{end}}{{$x}}', 'b'],
    ['a {{- " b " -}} c{{/* a comment */}}{{- /* another */ -}} d', 'a b cd'],
    ['{{.id | printf "%s-%s" "x" | len}}', '5'],
    ['{{len .text}} {{len .list}} {{len .map}}', '22 2 3'],
    [
      '{{eq .id "x" "abc"}} {{ne .id "x"}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}',
      'true true true true true false',
    ],
    ['{{and .yes .id}} {{or .empty .id}} {{not .yes}} {{or .yes .map.nope}}', 'abc abc false true'],
    ['{{html .text}}', 'Überlast &#34;5&#34; &lt;&amp;&gt; it&#39;s'],
    ['{{js .text}}', 'Überlast \\"5\\" \\u003C\\u0026\\u003E it\\\'s'],
    ['{{urlquery .text "!*()~"}}', '%C3%9Cberlast+%225%22+%3C%26%3E+it%27s%21%2A%28%29~'],
    ['{{print 1 2 "a" "b" 3 true}} {{println 1 "a"}}', '1 2a b3 true 1 a\n'.replace('a b3', 'ab3')],
    [
      '{{\'a\'}} {{0x10}} {{1_000}} {{1e3}} {{-5}} {{`raw`}} {{"q\\u00fc\\n"}} {{print nil}}',
      '97 16 1000 1000 -5 raw qü\n <nil>',
    ],
    ['{{slice .id 1 2}}{{slice .list 1}}', 'b[b]'],
    ['{{urlquery (slice .text 0 1)}} {{len (slice .text 0 1)}} {{index (slice .text 1) 0}}', '%C3 1 156'],
    ['{{printf "%q %x" (slice .text 0 1) (slice .text 0 3)}} {{urlquery "\\xff"}}', '"\\xc3" c39c62 %FF'],
    ['{{eq (slice .text 1 3) (slice .text 1 3)}} {{lt (slice .text 1 2) "\\xff"}}', 'true true'],
  ])('%s renders as in Go', (source, expected) => {
    expect(render(source, data)).toBe(expected)
  })

  it.each([
    ['{{.nope}}', ':1:2', '<.nope>: map has no entry for key "nope"'],
    ['a\nü{{.map.a.b}}', ':2:8', '<.map.a.b>: map has no entry for key "b"'],
    ['{{.id.x}}', ':1:5', "<.id.x>: can't evaluate field x in type interface {}"],
    ['{{with .id}}{{.x}}{{end}}', ':1:14', "<.x>: can't evaluate field x in type string"],
    ['{{.nothing.x}}', ':1:10', '<.nothing.x>: nil pointer evaluating interface {}.x'],
    ['{{(index .map "nope").x}}', ':1:21', '<(index .map "nope").x>: nil data; no entry for key "x"'],
    ['{{index .map "nope" "x"}}', ':1:2', '<index .map "nope" "x">: error calling index: index of nil pointer'],
    ['{{index .list 5}}', ':1:2', '<index .list 5>: error calling index: index out of range: 5'],
    ['{{index .list 2}}', ':1:2', '<index .list 2>: error calling index: reflect: slice index out of range'],
    ['{{index .n 1}}', ':1:2', "<index .n 1>: error calling index: can't index item of type float64"],
    ['{{eq .n 7}}', ':1:2', '<eq .n 7>: error calling eq: incompatible types for comparison'],
    ['{{lt .yes .no}}', ':1:2', '<lt .yes .no>: error calling lt: invalid type for comparison'],
    ['{{len .n}}', ':1:2', '<len .n>: error calling len: len of type float64'],
    ['{{printf .n}}', ':1:9', '<.n>: wrong type for value; expected string; got float64'],
    ['{{not}}', ':1:2', '<not>: wrong number of args for not: want 1 but got 0'],
    ['{{range .id}}{{end}}', ':1:8', "<.id>: range can't iterate over abc"],
    ['{{.id "x"}}', ':1:2', '<.id>: id is not a method but has arguments'],
    ['{{"a" "b"}}', ':1:2', '<"a">: can\'t give argument to non-function "a"'],
    ['{{nil}}', ':1:2', '<nil>: nil is not a command'],
  ])('%s fails at %s as in Go: %s', (source, at, problem) => {
    expect(() => render(source, data)).toThrow(new TemplateError(`template: ${at}: executing "" at ${problem}`))
  })

  it.each([
    ['{{toJson .}}', ':1: function "toJson" not defined'],
    ['{{.a-b}}', ":1: bad character U+002D '-'"],
    ['{{$x}}', ':1: undefined variable "$x"'],
    ['{{if .id}}a', ':1: unexpected EOF'],
    ['a{{end}}', ':1: unexpected {{end}}'],
    ['{{if}}a{{end}}', ':1: missing value for if'],
    ['{{.id | 3}}', ':1: non executable command in pipeline stage 2'],
    ['{{(.id}}', ':1: unclosed left paren'],
    ['{{.id)}}', ':1: unexpected right paren'],
    ['{{"abc}}', ':1: unterminated quoted string'],
    ['{{.id', ':1: unclosed action'],
    ['{{.id\n\n', ':3: unclosed action started at :1'],
    ['{{/* a', ':1: unclosed comment'],
    ['{{break}}', ':1: {{break}} outside {{range}}'],
    ['{{3a}}', ':1: bad number syntax: "3a"'],
    ['{{"a".x}}', ':1: unexpected . after term "\\"a\\""'],
    ['{{range $a, $b, $c := .list}}{{end}}', ':1: too many declarations in range'],
  ])('%s cannot be parsed, as in Go: %s', (source, problem) => {
    expect(() => render(source, data)).toThrow(new TemplateError(`template: ${problem}`))
  })

  it('reads only own keys of an event', () => {
    expect(() => render('{{.constructor}}', data)).toThrow('map has no entry for key "constructor"')
  })

  const piece = fc.constantFrom(
    ...'{{ }} {{- -}} . .id .map $ $x := = , | ( ) "a" \'a\' `r` \\ if else end with range break index printf'.split(
      ' ',
    ),
    ...'"%v%5.2f%[9]d" eq slice call nil true 1 -1 1e400 0x 9999999999999999999 /* */ ü 🚨 define template %'.split(
      ' ',
    ),
    ' ',
    '\n',
    '\0',
  )
  it('with any text either renders or fails with a TemplateError', () => {
    const source = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
      fc.string({ unit: anyCharacter }),
    )
    fc.assert(
      fc.property(source, (text) => {
        try {
          render(`{{${text}}}`, data)
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})

describe("Go's formatting", () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [100_000, '100000'],
    [1_000_000, '1e+06'],
    [1_234_567, '1.234567e+06'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [-2.5, '-2.5'],
    [1e21, '1e+21'],
    [5e-324, '5e-324'],
  ])('prints %d as %s', (value, expected) => {
    expect(formatValue(value)).toBe(expected)
  })

  it.each([
    ['%s|%5s|%-5s|%.1s', ['a', 'b', 'c', 'de'], 'a|    b|c    |d'],
    [
      '%d|%05d|%+d|%x|%X|%o|%b|%c|%q|%U',
      [1n, 42n, 7n, 255n, 255n, 8n, 5n, 97n, 98n, 99n],
      "1|00042|+7|ff|FF|10|101|a|'b'|U+0063",
    ],
    [
      '%f|%.2f|%8.3f|%e|%g|%.3g|%G',
      [1.5, 2.345, 3.14271, 12345.678, 1e-7, 1234.5, 1e30],
      '1.500000|2.35|   3.143|1.234568e+04|1e-07|1.23e+03|1E+30',
    ],
    ['%.0f %.0f %.0f %.1f', [0.5, 1.5, 2.5, 0.25], '0 2 2 0.2'],
    ['%v %v %v %v', [null, true, ['a', 1], { b: null }], '<nil> true [a 1] map[b:<nil>]'],
    ['%q %#q %x % X', ['a"\n\u0001ü', 'raw', 'hi', 'hi'], '"a\\"\\n\\x01ü" `raw` 6869 68 69'],
    [
      '%T %T %T %#v',
      ['a', 1, {}, { a: ['b', null] }],
      'string float64 map[string]interface {} map[string]interface {}{"a":[]interface {}{"b", interface {}(nil)}}',
    ],
    ['%d %s %t', ['a', 1, 'b'], '%!d(string=a) %!s(float64=1) %!t(string=b)'],
    ['%d', [null], '%!d(<nil>)'],
    ['%s %s', ['a'], 'a %!s(MISSING)'],
    ['%s', ['a', 'b', 1], 'a%!(EXTRA string=b, float64=1)'],
    ['100%', [], '100%!(NOVERB)'],
    ['%%|%[2]s|%[1]s|%[3]s', ['a', 'b'], '%|b|a|%!s(BADINDEX)'],
    ['%*d|%-*d|%.*f', [4n, 1n, 4n, 2n, 1n, 2.55], '   1|2   |2.5'],
    ['%*d', ['a', 1n], '%!(BADWIDTH)1'],
    ['%+v %+v %+d %+f', [2.5, [2.5, 'a'], 3n, 2.5], '2.5 [2.5 a] +3 +2.500000'],
    [
      '%b %b %b %x %X %x %.1x %x',
      [1e6, 2 ** 53, 0, 1.5, -1.5, 0, 1.97, 5e-324],
      '8589934592000000p-33 4503599627370496p+1 0p-1074 0x1.8p+00 -0X1.8P+00 0x0p+00 0x1.0p+01 0x1p-1074',
    ],
    ['%#q %#g %#.3g %#x %#v', [2.5, 1, 1000000, 1.5, 2.5], '%!q(float64=2.50000) 1.00000 1.00e+06 0x1.8000p+00 2.5'],
    ['%+z %#z', [2.5, 2.5], '%!z(float64=+2.5) %!z(float64=2.50000)'],
    ['%5v|%5v', [null, [null, 1]], '<nil>|[<nil>     1]'],
  ])('%s', (format, args, expected) => {
    expect(sprintf(format, args as GoValue[])).toBe(expected)
  })
})
