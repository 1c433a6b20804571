import { basic, ticketRecipe, userOf } from '../../recipes/recipe.ts'

export const requestTracker = ticketRecipe({
  name: 'Request Tracker',
  page: 'request-tracker',
  category: 'issue-ticketing',
  values: userOf,
  open: { title: 'Checkout is slow', description: 'p95 is 3 s' },
  update: { title: 'Checkout is very slow', state: 'open', comment: 'Now 5 s' },
  close: {},
  async count({ url, details }) {
    const response = await fetch(`${url}/REST/2.0/tickets?query=id>0`, { headers: basic(details) })
    return ((await response.json()) as { total: number }).total
  },
  refused: [
    ['open-issue', { title: 'x', project: 'Nope' }, /No permission to create tickets in the queue 'Nope'/],
    ['update-issue', { id: '1', state: 'bogus' }, /Status 'bogus' isn't a valid status/],
  ],
  wrongCredentials: { placeholder: '<password>', message: /401|Unauthorized/i },
})
