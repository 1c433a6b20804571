import { evaluationRecipe, userOf } from '../../recipes/recipe.ts'

export const victoriaMetrics = evaluationRecipe({
  name: 'VictoriaMetrics',
  page: 'victoria-metrics',
  category: 'slo',
  values: (started) => ({ ...userOf(started), PT30S: 'PT1S' }),
  metric: 'latency',
  value: 120,
  noData: { nothing: 'absent_metric' },
  refused: [
    [
      'request-evaluation',
      { timeframe: '5m', queries: { bad: 'sum(' }, thresholds: [{ metric: 'bad', op: '<', value: 1 }] },
      /cannot parse|unexpected|missing/,
    ],
  ],
})
