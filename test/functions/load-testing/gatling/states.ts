export const unlisted = 'its contract writes numbers and words as free text'
