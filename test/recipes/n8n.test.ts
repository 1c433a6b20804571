import { startN8n } from '../../infra/platforms/n8n.ts'
import { jobRecipe } from './recipe.ts'
import { tryFake } from './try-fake.ts'

const server = await startN8n()

const n8n = jobRecipe({
  name: 'n8n',
  page: 'n8n',
  category: 'remediation',
  // A silent call waits for the end of a runbook.
  runtime: { timeScale: 60, webhookTimeout: 8 },
  values: ({ url }) => ({
    'https://n8n.example.com': url,
    '<api key>': server.apiKey,
    '<webhook token>': server.webhookToken,
  }),
  start: 'run-runbook',
  stop: 'stop-runbook',
  passes: { target: 'restart', parameters: { service: 'checkout' } },
  fails: { target: 'broken' },
  slow: { target: 'drain' },
  slowDeadline: 4,
  count: async () => server.state.executions.length,
  refused: [
    {
      action: 'run-runbook',
      input: { target: 'draft' },
      words: /The requested webhook "POST draft" is not registered/,
    },
  ],
  wrongCredentials: { placeholder: '<api key>', words: /unauthorized/, action: 'stop-runbook', input: { id: '1' } },
})

await tryFake(n8n, server)
