export { http as httpMessage } from '../../notification/providers/http.ts'
