import { compose, type Template } from './compose.ts'
import { resultsOf } from './facts.ts'
import { nameOf, standingOf, titleOf } from './standing.ts'

/** Any task, and any sequence: what came of it, and where that can be seen. */
export const task: Template = (occasion) => {
  const { event } = occasion
  const standing = standingOf(event, 'succeeded')
  return compose(occasion, {
    mood: standing.mood,
    title: titleOf(nameOf(event), event, standing),
    ...resultsOf(event.properties),
  })
}
