import { startGlpi } from '../../infra/platforms/glpi.ts'
import { ticketRecipe } from './recipe.ts'
import { tryFake } from './try-fake.ts'

const server = await startGlpi()

const glpi = ticketRecipe({
  name: 'GLPI',
  page: 'glpi',
  category: 'issue-ticketing',
  runtime: { timeScale: 60 },
  noun: 'issue',
  values: ({ url }) => ({
    'https://glpi.example.com': url,
    '<app token>': server.appToken,
    '<user token>': server.userToken,
  }),
  open: { title: 'Checkout is slow', description: 'p95 is > 3 s', priority: 'high' },
  update: { title: 'Checkout is very slow', state: 'pending', comment: 'Now 5 s' },
  close: { resolution: 'Scaled out' },
  count: async () => server.state.tickets.length,
  refused: [
    {
      action: 'open-issue',
      input: { title: 'x', project: '99' },
      words: /: You don't have permission to perform this action/,
    },
    { action: 'update-issue', input: { id: '999', title: 'x' }, words: /: Item not found/ },
  ],
  wrongCredentials: { placeholder: '<user token>', words: /parameter user_token seems invalid/ },
})

await tryFake(glpi, server)
