"""What a cold start costs, in AWS's own runtime interface emulator and with what `sam build` made."""
