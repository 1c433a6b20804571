export const withoutContract = 'Modelled on assets/swagger.json of argoproj/argo-cd'
