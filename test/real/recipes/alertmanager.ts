import { ticketRecipe } from '../../recipes/recipe.ts'

export const alertmanager = ticketRecipe({
  name: 'Alertmanager',
  page: 'alertmanager',
  category: 'incident-management',
  open: { title: 'Checkout is slow', description: 'p95 is 3 s' },
  close: {},
  async count({ url }) {
    // Alerts of this run that are not resolved; a repeat of the same alert is the same alert.
    return ((await (await fetch(`${url}/api/v2/alerts`)).json()) as unknown[]).length
  },
})
