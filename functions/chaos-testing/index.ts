import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Starts and stops chaos experiments. */
export const chaosTesting = defineCategory({
  name: 'chaos-testing',
  summary: 'Starts chaos experiments, and stops them',
  actions,
  providers: {
    'chaos-mesh': async () => (await import('./chaos-mesh/chaos-mesh.ts')).chaosMesh,
    'aws-fis': async () => (await import('./aws-fis/aws-fis.ts')).awsFis,
    'azure-chaos-studio': async () => (await import('./azure-chaos-studio/azure-chaos-studio.ts')).azureChaosStudio,
    gremlin: async () => (await import('./gremlin/gremlin.ts')).gremlin,
    steadybit: async () => (await import('./steadybit/steadybit.ts')).steadybit,
    litmus: async () => (await import('./litmus/litmus.ts')).litmus,
    toxiproxy: async () => (await import('./toxiproxy/toxiproxy.ts')).toxiproxy,
    http: async () => (await import('./http/http.ts')).http,
  },
})
