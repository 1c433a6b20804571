import fc from 'fast-check'
import type { Message, Mood } from '../../../shared/providers/message.ts'
import { hostile, question } from './messages.ts'

const text = fc.oneof(
  fc.constantFrom(...hostile),
  fc
    .array(fc.constantFrom(...hostile.filter(({ length }) => length < 200)), { maxLength: 4 })
    .map((all) => all.join(' ')),
  fc.string({ unit: 'binary', maxLength: 300 }),
)
const mood = fc.constantFrom<Mood>('good', 'warning', 'bad', 'neutral', 'waiting')
const rows = fc.array(fc.record({ mood, cells: fc.array(text, { maxLength: 4 }) }), { maxLength: 60 })
const links = fc.array(
  fc.record({
    label: text,
    url: fc.oneof(fc.webUrl({ withQueryParameters: true }), fc.constant('javascript:alert(1)')),
  }),
  { maxLength: 6 },
)

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
