"""The reviewer's desk: two designs compared, the match explained, copies found, many screened, evidence kept."""
