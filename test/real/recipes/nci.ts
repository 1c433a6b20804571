import { jobRecipe } from '../../recipes/recipe.ts'

export const nci = jobRecipe({
  name: 'nci',
  page: 'nci',
  category: 'ci-cd',
  start: 'trigger-build',
  stop: 'cancel',
  passes: { target: 'quick' },
  fails: { target: 'broken' },
  slow: { target: 'slow' },
  async count({ url }) {
    const { builds } = (await (await fetch(`${url}/api/0.1/builds?limit=1000`)).json()) as { builds: object[] }
    return builds.length
  },
  // nci answers with an empty 404.
  refused: [['trigger-build', { target: 'nope' }, /404 .*no reason given/]],
})
