import { defineCategory } from '../../shared/function/category.ts'
import { actions } from './actions.ts'

export const chaosTesting = defineCategory({
  name: 'chaos-testing',
  summary: 'Starts chaos experiments, and stops them',
  actions,
  providers: {
    toxiproxy: async () => (await import('./providers/toxiproxy.ts')).toxiproxy,
  },
})
