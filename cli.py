from chanvae.cli import main

main()
