import { categories } from '../../../functions/index.ts'
import { describeCategory } from '../../../infra/aws/category-info.ts'

/** The categories of this project, as the stack gets them. */
export const categoryInfos = await Promise.all(categories.map(describeCategory))
