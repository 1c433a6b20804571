export const withoutContract =
  'It posts to any endpoint; its tests verify the signatures with the libraries of receivers'
