import { startKestra } from '../../infra/platforms/kestra.ts'
import { jobRecipe } from './recipe.ts'
import { tryFake } from './try-fake.ts'

const server = await startKestra()

const kestra = jobRecipe({
  name: 'Kestra',
  page: 'kestra',
  category: 'ci-cd',
  runtime: { timeScale: 60 },
  values: ({ url }) => ({
    'https://kestra.example.com': url,
    '<user>': server.user,
    '<password>': server.password,
  }),
  start: 'trigger-deployment',
  stop: 'cancel',
  passes: { target: 'scale', parameters: { count: 3 }, thresholds: [{ metric: 'count', op: '<', value: 4 }] },
  fails: { target: 'broken' },
  slow: { target: 'drain' },
  slowDeadline: 4,
  count: async () => server.state.executions.length,
  refused: [
    { action: 'trigger-deployment', input: { target: 'nope' }, words: /Requested Flow is not found/ },
    { action: 'trigger-deployment', input: { target: 'old' }, words: /Requested Flow is disabled/ },
    {
      action: 'trigger-deployment',
      input: { target: 'scale', parameters: { count: 'many' } },
      words: /Invalid value for input `count`/,
    },
  ],
  wrongCredentials: { placeholder: '<password>', words: /Unauthorized/ },
})

await tryFake(kestra, server)
