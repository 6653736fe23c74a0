"""One file per outside system, each speaking its protocol and translating its errors into ours."""
