import { startHarbor } from '../../infra/platforms/harbor.ts'
import { jobRecipe } from './recipe.ts'
import { tryFake } from './try-fake.ts'

const server = await startHarbor()
const thresholds = [{ metric: 'Critical', op: '<', value: 1 }]

const harbor = jobRecipe({
  name: 'Harbor',
  page: 'harbor',
  category: 'ci-cd',
  runtime: { timeScale: 60 },
  values: ({ url }) => ({
    'https://harbor.example.com': url,
    '<user>': server.user,
    '<password>': server.password,
  }),
  start: 'trigger-build',
  stop: 'cancel',
  passes: { target: 'shop/checkout:1.4', thresholds },
  fails: { target: 'shop/team/api@sha256:0f3c', thresholds },
  slow: { target: 'shop/huge:1.0' },
  slowDeadline: 4,
  count: async () => server.state.scans,
  refused: [
    {
      action: 'trigger-build',
      input: { target: 'shop/checkout:0.1' },
      words: /artifact shop\/checkout:0\.1 not found/,
    },
    { action: 'trigger-build', input: { target: 'checkout' }, words: /start\.path of the connection/ },
  ],
  wrongCredentials: { placeholder: '<password>', words: /unauthorized: unauthorized/ },
})

await tryFake(harbor, server)
