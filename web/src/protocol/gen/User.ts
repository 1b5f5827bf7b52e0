export type User = { id: string, name: string, title?: string, guest: boolean, };
