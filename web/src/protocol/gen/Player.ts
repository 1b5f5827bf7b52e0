export type Player = { id: string, name: string, title?: string, rating?: number, provisional?: boolean, guest: boolean, };
