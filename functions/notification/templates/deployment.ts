import { compose, type Template } from './compose.ts'
import { linkTo, resultsOf } from './facts.ts'
import { standingOf, titleOf } from './standing.ts'
import { listOf } from './values.ts'

const names = new Map<string | undefined, string>([
  ['release', 'Release'],
  ['rollback', 'Rollback'],
])

/**
 * A deployment, a release or a rollback: what was deployed how, and where it can be seen.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (deployment)
 */
export const deployment: Template = (occasion) => {
  const { event } = occasion
  const { deploymentURIsPublic, deploymentURIsLocal, ...results } = event.properties
  const standing = standingOf(event, 'succeeded')
  const { fields, links } = resultsOf(results)
  const addresses = [deploymentURIsPublic, deploymentURIsLocal].flatMap(listOf)
  return compose(occasion, {
    mood: standing.mood,
    title: titleOf(names.get(event.task) ?? 'Deployment', event, standing),
    fields,
    links: [...addresses.flatMap((address) => linkTo('Open the deployment', address)).slice(0, 1), ...links],
  })
}
