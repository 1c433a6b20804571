import { startZammad } from '../../infra/platforms/zammad.ts'
import { ticketRecipe } from './recipe.ts'
import { tryFake } from './try-fake.ts'

const server = await startZammad()

const zammad = ticketRecipe({
  name: 'Zammad',
  page: 'zammad',
  category: 'issue-ticketing',
  runtime: { timeScale: 60 },
  noun: 'issue',
  values: ({ url }) => ({
    'https://zammad.example.com': url,
    '<token>': server.token,
    '<customer>': 'monitoring@example.com',
  }),
  open: { title: 'Checkout is slow', description: 'p95 is 3 s', priority: '3 high' },
  update: { title: 'Checkout is very slow', state: 'open', comment: 'Now 5 s' },
  close: { comment: 'Fixed' },
  count: async () => server.state.tickets.length,
  refused: [
    {
      action: 'open-issue',
      input: { title: 'x', project: 'Nope' },
      words: /No lookup value found for 'group': "Nope"/,
    },
    { action: 'close-issue', input: { id: '999' }, words: /Couldn't find Ticket with 'id'=999/ },
  ],
  wrongCredentials: { placeholder: '<token>', words: /Can't find User for Token/ },
})

await tryFake(zammad, server)
