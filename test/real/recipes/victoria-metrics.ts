import { evaluationRecipe } from '../../recipes/recipe.ts'

export const victoriaMetrics = evaluationRecipe({
  name: 'VictoriaMetrics',
  script: 'victoria-metrics.sh',
  page: 'victoria-metrics',
  category: 'slo',
  values: ({ words }) => ({
    '<user>': String(words['username']),
    '<password>': String(words['password']),
    PT30S: 'PT1S',
  }),
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
