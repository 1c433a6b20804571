import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Starts and stops chaos experiments. */
export const chaosTesting = defineCategory({
  name: 'chaos-testing',
  summary: 'Starts chaos experiments, and stops them',
  actions,
  providers: {
    'chaos-mesh': async () => (await import('./providers/chaos-mesh.ts')).chaosMesh,
    'aws-fis': async () => (await import('./providers/aws-fis.ts')).awsFis,
    'azure-chaos-studio': async () => (await import('./providers/azure-chaos-studio.ts')).azureChaosStudio,
    gremlin: async () => (await import('./providers/gremlin.ts')).gremlin,
    steadybit: async () => (await import('./providers/steadybit.ts')).steadybit,
    litmus: async () => (await import('./providers/litmus.ts')).litmus,
    toxiproxy: async () => (await import('./providers/toxiproxy.ts')).toxiproxy,
    http: async () => (await import('./providers/http.ts')).http,
  },
})
