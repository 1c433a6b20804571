import { compose, type Template } from './compose.ts'
import { nameOf, stateOf, titleOf } from './event-title.ts'
import { resultsOf } from './fields-and-links.ts'

/** Any task or sequence, with its results and links. */
export const task: Template = (context) => {
  const { event } = context
  const state = stateOf(event, 'succeeded')
  return compose(context, {
    mood: state.mood,
    title: titleOf(nameOf(event), event, state),
    ...resultsOf(event.properties),
  })
}
