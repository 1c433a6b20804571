import { defineCategory } from '../../../shared/providers/category.ts'
import { actions } from './actions.ts'

export const sample = defineCategory({
  name: 'sample',
  summary: 'Sends messages',
  actions,
  providers: {
    http: async () => (await import('./http.ts')).http,
  },
})
