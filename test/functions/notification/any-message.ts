import fc from 'fast-check'
import type { Message, Mood } from '../../../shared/providers/message.ts'
import { anyCharacter } from '../../shared/text/any-character.ts'
import { hostile, question } from './messages.ts'

const short = hostile.filter(({ length }) => length < 200)
const text = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...short) },
  { weight: 10, arbitrary: fc.array(fc.constantFrom(...short), { maxLength: 4 }).map((all) => all.join(' ')) },
  { weight: 10, arbitrary: fc.string({ unit: anyCharacter, maxLength: 300 }) },
  // Rare, because a message has hundreds of texts, and each of these takes as long as all others.
  { weight: 1, arbitrary: fc.constantFrom(...hostile) },
)
const mood = fc.constantFrom<Mood>('good', 'warning', 'bad', 'neutral', 'waiting')
const rows = fc.array(fc.record({ mood, cells: fc.array(text, { maxLength: 4 }) }), { maxLength: 60 })
const encoded = fc.string({ unit: anyCharacter, maxLength: 40 }).map(encodeURI)
// Not `fc.webUrl`, which builds the table of all characters, too.
const url = fc
  .tuple(fc.constantFrom('http', 'https'), fc.domain(), encoded, encoded)
  .map(([scheme, host, path, query]) => `${scheme}://${host}/${path}?${query}`)
const links = fc.array(fc.record({ label: text, url: fc.oneof(url, fc.constant('javascript:alert(1)')) }), {
  maxLength: 6,
})

/** Any message with any texts. */
export const anyMessage: fc.Arbitrary<Message> = fc.record({
  mood,
  title: text,
  text: fc.option(text, { nil: undefined }),
  fields: fc.array(fc.record({ name: text, value: text }), { maxLength: 40 }),
  table: fc.option(fc.record({ columns: fc.array(text, { maxLength: 4 }), rows }), { nil: undefined }),
  links,
  buttons: fc.constantFrom(undefined, question.buttons),
})
