import { loadProviderFiles } from '../../provider-files.ts'
import type { Composed, End, Row } from './expected-events.ts'
import * as others from './expected-events.ts'

/** The exports of the file `notifications.ts` of a provider. */
interface Notifications {
  end?: End
  /** The expected result for each recorded body, by its file in `test/fixtures/sources`. */
  recorded?: Record<string, Row>
  composed?: Composed[]
}

const files = await loadProviderFiles<Notifications>('notifications')

/** The expected result for each recorded body. */
export const expected: Record<string, Row> = Object.assign(
  {},
  others.recorded,
  ...files.map(([, { recorded }]) => recorded),
)

export const composed = [...others.composed, ...files.flatMap(([, { composed = [] }]) => composed)]

/** The ends of runs, by provider. */
export const ends: Record<string, End> = Object.fromEntries(
  files.flatMap(([path, { end }]) => (end ? [[path.replace(/.*\//, ''), end]] : [])),
)
