import { compose, type Template } from './compose.ts'
import { stateOf, titleOf } from './event-title.ts'
import { listOf } from './event-values.ts'
import { linkTo, resultsOf } from './fields-and-links.ts'

const NAMES = new Map<string | undefined, string>([
  ['release', 'Release'],
  ['rollback', 'Rollback'],
])

/**
 * A deployment, release or rollback, with a link to the deployed service.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (deployment)
 */
export const deployment: Template = (context) => {
  const { event } = context
  const { deploymentURIsPublic, deploymentURIsLocal, ...results } = event.properties
  const state = stateOf(event, 'succeeded')
  const { fields, links } = resultsOf(results)
  const addresses = [deploymentURIsPublic, deploymentURIsLocal].flatMap(listOf)
  return compose(context, {
    mood: state.mood,
    title: titleOf(NAMES.get(event.task) ?? 'Deployment', event, state),
    fields,
    links: [...addresses.flatMap((address) => linkTo('Open the deployment', address)).slice(0, 1), ...links],
  })
}
