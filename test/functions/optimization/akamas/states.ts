export const unlisted = 'it sends its result to Keptn itself'
