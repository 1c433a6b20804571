import { jobRecipe, userOf } from '../../recipes/recipe.ts'

export const buildbot = jobRecipe({
  name: 'Buildbot',
  page: 'buildbot',
  category: 'ci-cd',
  values: userOf,
  start: 'trigger-build',
  stop: 'cancel',
  passes: { target: 'quick' },
  fails: { target: 'broken' },
  slow: { target: 'slow' },
  async isRunning({ url }) {
    const { builds } = (await (await fetch(`${url}/api/v2/builds?complete=false`)).json()) as { builds: object[] }
    return builds.length > 0
  },
  async count({ url }) {
    const { buildrequests } = (await (await fetch(`${url}/api/v2/buildrequests`)).json()) as { buildrequests: object[] }
    return buildrequests.length
  },
  refused: [['trigger-build', { target: 'quick', parameters: { count: 'many' } }, /invalid literal for int/]],
  wrongCredentials: { placeholder: '<password>', message: /40[13]/ },
})
